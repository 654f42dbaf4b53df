// Looks for planted secrets in everything that Snapkeep wrote and said: its folders byte by byte, its whole log, and every answer.
// Plants nothing itself.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Answer, Snapkeep, Variables } from './snapkeep-process.js';

export interface ListenedSnapkeep extends Snapkeep {
  /** What was answered to every call and subscription; what a test heard otherwise is for it to add. */
  readonly answers: string[];
}

export type Haystack = readonly [where: string, bytes: Buffer];

export function listened(heard: Snapkeep): ListenedSnapkeep {
  const answers: string[] = [];
  const keep = <T>(answer: T): T => {
    answers.push(JSON.stringify(answer));
    return answer;
  };
  return {
    ...heard,
    answers,
    graphql: async <T>(query: string, variables?: Variables) => keep(await heard.graphql<T>(query, variables)),
    post: async <T>(query: string, variables?: Variables): Promise<Answer<T>> => keep(await heard.post<T>(query, variables)),
    async *subscribe<T>(query: string, variables?: Variables) {
      for await (const message of heard.subscribe<T>(query, variables)) yield keep(message);
    },
  };
}

/** Every file of the data directory and the local path as it is now, the log, and the answers, which come last. */
export async function haystacks(snapkeep: ListenedSnapkeep): Promise<readonly Haystack[]> {
  const entries = await readdir(join(snapkeep.dataDir, '..'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(files.map(async (file) => [file, await readFile(file)] as const));
  return [...read, ['the log', Buffer.from(snapkeep.log())], ['the answers', Buffer.from(snapkeep.answers.join('\n'))]];
}

/** Where which secret was found, as it is or as it would look in base64, in hex, or escaped in JSON. */
export function findings(secrets: Readonly<Record<string, string | Buffer>>, hay: readonly Haystack[]): readonly string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    hay.filter(([, bytes]) => forms(secret).some((form) => bytes.includes(form))).map(([where]) => `${name} in ${where}`));
}

function forms(secret: string | Buffer): readonly Buffer[] {
  const bytes = Buffer.from(secret);
  const texts = [bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex'), JSON.stringify(bytes.toString()).slice(1, -1)];
  return [bytes, ...texts.map((text) => Buffer.from(text))];
}

/** The call does not even fit the schema: graphql-js refuses it, over HTTP and over WebSocket, and likes to show what it was given. */
export async function sendMalformed(snapkeep: ListenedSnapkeep, query: string, variables?: Variables): Promise<void> {
  const answer = await snapkeep.post(query, variables);
  if (!answer.errors) throw new Error(`it was not refused: ${query}`);
  const said: unknown = await snapkeep.subscribe(query, variables).next().then(() => null, (error: unknown) => error);
  if (said === null) throw new Error(`it was not refused over WebSocket: ${query}`);
  snapkeep.answers.push(`${inspect(said)} ${JSON.stringify(said)}`);
}
