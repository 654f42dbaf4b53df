// The process's log: pretty on a terminal, one JSON object a line otherwise. Secrets are redacted wherever they would stand.
// Every line about a snapshot carries its `snapshotId`, so that one can be followed from request to prune.
import { type Logger, pino } from 'pino';

const secrets = ['password', 'clientKey', 'secretKey', 'accessKey', 'token', 'authorization', 'masterKey'];

/** Writes to standard output. */
export function createLog(level: string, options: { pretty: boolean }): Logger {
  const paths = secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({
    level,
    redact: { paths, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(options.pretty ? { transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' } } } : {}),
  });
}
