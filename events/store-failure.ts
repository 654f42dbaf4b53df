// Says which store it was when a database's driver fails: a decorator for any port whose methods are all asynchronous.
// Knows no driver: it tells a failure of one from a defect of ours by the name of the error.
import { SnapkeepError } from './errors.js';

const LONGEST = 300;

type Method = (...given: unknown[]) => Promise<unknown>;

/**
 * `store`: what the message calls it; `driver`: how the names of its driver's errors begin. Such an error is thrown as STORE_UNAVAILABLE;
 * all others pass. The driver's message is cut short: some repeat what was asked.
 */
export function namingFailures<Port extends object>(store: string, driver: string, port: Port): Port {
  const named = (method: Method): Method => async (...given) => {
    try {
      return await method(...given);
    } catch (error) {
      throw error instanceof Error && error.name.startsWith(driver) ? unavailable(store, error) : error;
    }
  };
  return Object.fromEntries(Object.entries(port).map(([name, method]: [string, Method]) => [name, named(method)])) as Port;
}

function unavailable(store: string, error: Error): SnapkeepError {
  const said = error.message.length > LONGEST ? `${error.message.slice(0, LONGEST)}…` : error.message;
  const remedy = 'see that it runs, can be reached and lets Snapkeep read and write';
  return new SnapkeepError('STORE_UNAVAILABLE', `${store}: ${said} (${error.name}); ${remedy}`, { details: { store }, cause: error });
}
