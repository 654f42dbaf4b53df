// Where in an S3-compatible store a target keeps its copies: names of buckets and folders, and what is wrong with them. Pure.
// Whether another target is there already: see target-places.ts.
import { isIPv4 } from 'node:net';
import { quoted } from './input-faults.js';

/** '' or a prefix of keys that ends in "/", so that the keys of one folder never begin like those of another. */
export const folderPrefix = (folder: string | null | undefined): string => (folder ? `${folder.replace(/\/$/, '')}/` : '');

/** The naming rules of S3, which the compatible stores share. */
export function bucketFault(bucket: string): string | null {
  if (/^(?:s3|https?|arn):/i.test(bucket)) return 'the bucket is given as an address: write its name alone, and what follows it as folder';
  if (bucket.includes('/')) return `bucket ${quoted(bucket)} holds a slash: write the name before it as bucket, what follows as folder`;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes('..')) {
    return `bucket ${quoted(bucket)} is no name of a bucket: write 3 to 63 of a-z, 0-9, "-" and single ".", a letter or digit at both ends`;
  }
  if (isIPv4(bucket)) return `bucket ${quoted(bucket)} looks like an IP address, which S3 refuses: write its name, and an address as endpoint`;
  return /^(?:xn--|sthree-|amzn-s3-demo-)|(?:-s3alias|--ol-s3|--x-s3|\.mrap)$/.test(bucket)
    ? `bucket ${quoted(bucket)} begins or ends as S3 keeps for itself: name a bucket of your own, not an alias or access point` : null;
}

const FOLDER_BYTES = 512;
const PART_BYTES = 255;

/** What no part of a folder may be, and what to do about it. */
const partFaults: readonly (readonly [isSo: (part: string) => boolean, fault: string])[] = [
  [(part) => part === '', 'has a doubled slash: write one'],
  [(part) => part === '.' || part === '..', 'holds "." or "..": write the folder itself'],
  [(part) => part.startsWith('.snapkeep'), 'has a part that begins with .snapkeep, as Snapkeep\'s own marks do: name it otherwise'],
  [(part) => Buffer.byteLength(part) > PART_BYTES, `has a part of more than ${PART_BYTES} bytes: shorten it`],
];

/** Null, undefined and '' are the bucket itself. */
export function folderFault(folder: string | null | undefined): string | null {
  if (folder === null || folder === undefined || folder === '') return null;
  if (/[\p{Cc}\\]/u.test(folder)) return 'the folder holds a control character or a backslash: leave it out, and separate parts with "/"';
  if (folder.startsWith('/')) return `folder ${quoted(folder)} begins with "/": leave that out, folders begin at the bucket`;
  const parts = folderPrefix(folder).split('/').slice(0, -1);
  const fault = partFaults.find(([isSo]) => parts.some(isSo))?.[1];
  if (fault !== undefined) return `folder ${quoted(folder)} ${fault}`;
  return Buffer.byteLength(folder) > FOLDER_BYTES ? `the folder has more than ${FOLDER_BYTES} bytes and leaves no room for names: shorten it` : null;
}
