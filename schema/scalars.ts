// The API's own scalars: DateTime (always UTC with milliseconds) and JSONObject; SafeInt comes from graphql-scalars.
// Inside Snapkeep an instant is a string in DateTime's form, never a Date.
import { GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';
import type { ValueNode } from 'graphql';
import { GraphQLSafeInt as SafeIntResolver } from 'graphql-scalars';

const DAY = /\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])/.source;
const HOUR = /(?:[01]\d|2[0-3]):[0-5]\d/.source;
const RFC_3339 = new RegExp(`^${DAY}[Tt]${HOUR}:[0-5]\\d(?:\\.\\d+)?(?:[Zz]|[+-]${HOUR})$`);

/** The instant in UTC with milliseconds; throws TypeError for anything but RFC 3339 with a zone. */
export function instantFrom(value: unknown): string {
  const instant = typeof value === 'string' && RFC_3339.test(value) ? new Date(value) : null;
  if (instant === null || Number.isNaN(instant.getTime()) || !sameDay(String(value))) {
    throw new TypeError(`DateTime: ${JSON.stringify(value)} is not an RFC 3339 time with its zone; write one like 2026-11-23T06:00:00Z`);
  }
  return instant.toISOString();
}

// Date.parse takes 30 February as 2 March.
function sameDay(value: string): boolean {
  const day = value.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

export const DateTimeScalar = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  description: 'An instant in RFC 3339. Answers are always UTC with milliseconds, as in 2026-11-23T06:00:00.000Z; input may carry any offset.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: instantFrom,
  parseValue: instantFrom,
  parseLiteral: (node) => instantFrom(node.kind === Kind.STRING ? node.value : null),
});

function jsonObjectFrom(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  throw new TypeError('JSONObject: the value is not a JSON object');
}

export const JSONObjectScalar = new GraphQLScalarType<Record<string, unknown>, Record<string, unknown>>({
  name: 'JSONObject',
  description: 'A JSON object, whose fields depend on what it describes.',
  serialize: jsonObjectFrom,
  parseValue: jsonObjectFrom,
  parseLiteral: (node: ValueNode, variables) => jsonObjectFrom(valueFromASTUntyped(node, variables)),
});

export const SafeIntScalar = new GraphQLScalarType<number, number>({
  name: 'SafeInt',
  description: 'A whole number up to 2^53 - 1: byte counts and etcd revisions.',
  serialize: (value) => SafeIntResolver.serialize(value),
  parseValue: (value) => SafeIntResolver.parseValue(value) as number,
  parseLiteral: (node) => SafeIntResolver.parseLiteral(node, {}) as number,
});
