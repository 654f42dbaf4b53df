import { expect, test } from '@jest/globals';
import { buildSchema, execute, parse, validate } from 'graphql';
import { withoutGivenValues } from './given-values.js';

const schema = buildSchema(`
  enum Level { LOW HIGH }
  input Login { user: String!  password: String  port: Int  level: Level }
  type Query { login(input: Login!): Boolean }
`);
const secret = 'swordfish; at "x.y"; hidden';

/** What graphql-js itself says, so that a new release with other words is noticed. */
async function messages(query: string, input?: unknown): Promise<readonly string[]> {
  const shown = (errors: readonly { message: string }[]): readonly string[] => errors.map(({ message }) => withoutGivenValues({ message }).message);
  try {
    const document = parse(query);
    const faults = validate(schema, document);
    if (faults.length > 0) return shown(faults);
    return shown((await execute({ schema, document, variableValues: { input } })).errors ?? []);
  } catch (error) {
    return shown([error instanceof Error ? error : new Error(String(error))]);
  }
}
const byVariable = (input: unknown) => messages('query ($input: Login!) { login(input: $input) }', input);
const literal = JSON.stringify(secret);

test.each([
  [{ password: secret }, 'Variable "$input" got an invalid value; Field "user" of required type "String!" was not provided.'],
  [{ user: 'a', password: [secret] }, 'Variable "$input" got an invalid value at "input.password"; String cannot represent a non string value'],
  [{ user: 'a', port: secret }, 'Variable "$input" got an invalid value at "input.port"; Int cannot represent non-integer value'],
  [{ user: 'a', password: secret, pasword: 1 }, 'Variable "$input" got an invalid value; Field "pasword" is not defined by type "Login". Did you mean "password"?'],
  [secret, 'Variable "$input" got an invalid value; Expected type "Login" to be an object.'],
  [{ user: null, password: secret }, 'Variable "$input" got an invalid value at "input.user"; Expected non-nullable type "String!" not to be null.'],
])('a variable that does not fit is named without its value: %#', async (input, message) => {
  expect(await byVariable(input)).toEqual([message]);
});

test.each([
  [`{ login(input: { user: "a", password: [${literal}] }) }`, 'String cannot represent a non string value'],
  [`{ login(input: { user: "a", port: ${literal} }) }`, 'Int cannot represent non-integer value'],
  [`{ login(input: ${literal}) }`, 'Expected value of type "Login!"'],
  [`{ login(input: { password ${literal} }) }`, 'Syntax Error: Expected ":", found String'],
  [`{ login(input: { password: ${literal} ${literal} }) }`, 'Syntax Error: Expected Name, found String'],
  [`{ login ${literal} }`, 'Syntax Error: Expected Name, found String'],
])('a literal that does not fit is not repeated: %#', async (query, message) => {
  expect(await messages(query)).toEqual([message]);
});

test('other messages stay as they are', () => {
  const message = 'first is 0, found nothing: choose a value: 1 to 10000';
  expect(withoutGivenValues({ message })).toEqual({ message });
});
