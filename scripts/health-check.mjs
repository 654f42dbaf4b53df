// Asks the Snapkeep of this container whether it is live or ready: exit code 0 for yes, 1 for no, with what it lacks on standard output.
// Plain JavaScript without dependencies: it runs every few seconds.
const asked = process.argv[2] === 'live' ? 'live' : 'ready';
const host = process.env.SNAPKEEP_HOST ?? '127.0.0.1';
const reached = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);

try {
  const response = await fetch(`http://${reached}:${process.env.SNAPKEEP_PORT ?? 4000}/health/${asked}`, { signal: AbortSignal.timeout(4000) });
  process.stdout.write(`${await response.text()}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer: ${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
