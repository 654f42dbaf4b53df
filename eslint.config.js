// Lint: the rules that catch bugs with type information, and the bounds on size. No comment in a file can lift a rule.
// Not here: the import rule between folders (.dependency-cruiser.cjs), types (tsc).
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const size = {
  'max-lines': ['error', { max: 250, skipBlankLines: false, skipComments: false }],
  'max-len': ['error', { code: 150, ignoreUrls: true, ignorePattern: '^-----' }],
  complexity: ['error', 10],
  'max-depth': ['error', 3],
  'max-params': 'off',
  '@typescript-eslint/max-params': ['error', { max: 4 }],
};

const bugs = {
  'array-callback-return': 'error',
  eqeqeq: ['error', 'always'],
  'no-console': 'error',
  'no-constant-binary-expression': 'error',
  'no-else-return': 'error',
  'no-param-reassign': 'error',
  'no-promise-executor-return': 'error',
  'no-self-compare': 'error',
  'no-shadow': 'off',
  'no-unreachable-loop': 'error',
  'no-useless-assignment': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
};

const typed = {
  '@typescript-eslint/ban-ts-comment': ['error', {
    'ts-ignore': true, 'ts-nocheck': true, 'ts-expect-error': 'allow-with-description', minimumDescriptionLength: 10,
  }],
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/no-non-null-assertion': 'error',
  '@typescript-eslint/no-shadow': 'error',
  '@typescript-eslint/no-unnecessary-type-assertion': 'error',
  '@typescript-eslint/no-unused-vars': ['error', {
    argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_', ignoreRestSiblings: true,
  }],
  '@typescript-eslint/no-deprecated': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/prefer-readonly': 'error',
  '@typescript-eslint/promise-function-async': 'off',
  // An async function without await turns a throw into a rejection, which ports with promises want.
  '@typescript-eslint/require-await': 'off',
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
  '@typescript-eslint/return-await': ['error', 'in-try-catch'],
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  '@typescript-eslint/use-unknown-in-catch-callback-variable': 'error',
};

const doubleAssertion = {
  selector: 'TSAsExpression > TSAsExpression > TSUnknownKeyword',
  message: 'A double assertion hides a wrong type: decode or narrow the value instead.',
};
const reexport = {
  selector: 'ExportAllDeclaration, ExportNamedDeclaration[source]',
  message: 'No barrels: import from the file that holds the thing.',
};

const vague = /^((index|types)|([a-z0-9-]+-)?(utils?|helpers?|common|managers?|misc))\.[cm]?[jt]s$/;

// A rule of our own, because no rule of ESLint's looks at the file's name.
const fileName = {
  meta: { type: 'problem', schema: [], messages: { vague: '"{{name}}" says nothing: name the file after what it holds.' } },
  create: (context) => ({
    Program(node) {
      const name = context.filename.split(/[\\/]/).at(-1);
      if (vague.test(name) || !/^[a-z0-9.-]+$/.test(name)) context.report({ node, messageId: 'vague', data: { name } });
    },
  }),
};

export default defineConfig(
  { ignores: ['dist/', 'data/', 'coverage/', '.cache/', 'console/', '.dependency-cruiser.cjs'] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,js,mjs}'],
    plugins: { '@typescript-eslint': tseslint.plugin, snapkeep: { rules: { 'file-name': fileName } } },
    rules: { ...size, ...bugs, 'snapkeep/file-name': 'error' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: { ...typed, 'no-restricted-syntax': ['error', doubleAssertion, reexport] },
  },
  {
    files: ['**/*.{test,contract,fixture,soak}.ts', 'test/**/*.ts'],
    rules: {
      // Tables of cases: a row is one line, a column is one parameter. Matchers of jest are `any`.
      'max-len': 'off',
      '@typescript-eslint/max-params': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      'no-restricted-imports': ['error', {
        paths: [
          { name: 'timers/promises', message: 'No sleeps in tests: wait for a fact.' },
          { name: 'node:timers/promises', message: 'No sleeps in tests: wait for a fact.' },
        ],
      }],
    },
  },
  { files: ['scripts/**', 'demo/**', 'bench/**'], rules: { 'no-console': 'off' } },
);
