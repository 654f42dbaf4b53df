// Takes what a client gave out of graphql-js's messages, which show a value that did not fit although it may be a password.
// What is at fault, where, and what was wanted stay; Snapkeep's own messages are left as they are.
import type { GraphQLFormattedError } from 'graphql';

/** graphql-js, execution/values.ts: `Variable "$a" got invalid value <value> at "<place>"; <what was wanted>`. */
const variable = /^(Variable "\$\w+" got) invalid value /;
const place = / at "([\w.[\]]+)"; (?!.* at "[\w.[\]]+"; )/s;
const wanted = /; (Field "\w+" .*|Expected (?:non-nullable )?type .*|(?:\w+|Enum "\w+") cannot represent [\w -]*value(?=: ))/s;

/** Other messages that end in the value; what is kept comes first. */
const endings: readonly RegExp[] = [
  /^((?:\w+|Enum "\w+") cannot represent [\w -]*value): .*$/s,
  /^(Expected value of type "[^"]+"), found .*$/s,
  /^(Syntax Error: (?:Expected .*, found|Unexpected) (?:String|BlockString)) .*$/s,
];

export function withoutGivenValues(error: GraphQLFormattedError): GraphQLFormattedError {
  return { ...error, message: messageWithoutValues(error.message) };
}

function messageWithoutValues(message: string): string {
  const of = variable.exec(message)?.[1];
  if (of === undefined) return endings.reduce((shortened, ending) => shortened.replace(ending, '$1'), message);
  const where = place.exec(message)?.[1];
  const what = wanted.exec(message)?.[1];
  return `${of} an invalid value${where === undefined ? '' : ` at "${where}"`}${what === undefined ? '' : `; ${what}`}`;
}
