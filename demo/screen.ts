// What the demo shows: steps, a progress line (rewritten on a terminal, plain lines elsewhere) and an aligned table.
// Only formats and prints.

const isTerminal = process.stdout.isTTY;
let unfinished = false;

export function say(text = ''): void {
  if (unfinished) process.stdout.write('\n');
  unfinished = false;
  process.stdout.write(`${text}\n`);
}

/** Shows a state that changes: each call replaces the line before on a terminal. */
export function progress(text: string): void {
  if (!isTerminal) {
    say(text);
    return;
  }
  process.stdout.write(`\r\u001B[2K${text}`);
  unfinished = true;
}

export function progressText(name: string, bytes: number, total: number | null): string {
  if (total === null || total === 0) return `  ${name}  ${megabytes(bytes)}`;
  const share = Math.min(1, bytes / total);
  const filled = Math.round(share * 30);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(30 - filled)}`;
  return `  ${name}  ${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${megabytes(bytes)} of ${megabytes(total)}`;
}

export const megabytes = (bytes: number | null) => (bytes === null ? '' : `${(bytes / 1e6).toFixed(1)} MB`);

/** Columns as wide as their widest cell; cells of the numeric columns stand to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], numeric: readonly number[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) => widths
    .map((width, column) => (numeric.includes(column) ? (row[column] ?? '').padStart(width) : (row[column] ?? '').padEnd(width)))
    .join('  ').trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [line(header), rule, ...rows.map(line)].map((text) => `  ${text}`).join('\n');
}
