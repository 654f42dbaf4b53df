// Writes schema.graphql from the code; with --check compares instead, and exits 1 where they differ.
// Run by npm run check, so that the committed schema is what the server serves.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createApiSchema } from './api-schema.js';

const file = join(process.cwd(), 'schema', 'schema.graphql');
const header = '# The API as it is served, emitted from the code by schema/emit.ts. Do not edit: change the code and emit it again.\n\n';
const emitted = `${header}${printSchema(lexicographicSortSchema(createApiSchema()))}\n`;

if (!process.argv.includes('--check')) {
  await writeFile(file, emitted);
} else if (await readFile(file, 'utf8').catch(() => '') !== emitted) {
  const remedy = 'run `npm run build && node dist/schema/emit.js`, look at the difference, commit it';
  process.stderr.write(`schema/schema.graphql is not what the code serves: ${remedy}\n`);
  process.exitCode = 1;
}
