// ESM through swc (agenda is ESM only); the scripts pass --experimental-vm-modules.
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', {
      jsc: {
        target: 'es2024',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, useDefineForClassFields: false },
      },
    }],
  },
  testMatch: ['**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/data/', '<rootDir>/.cache/'],
  coverageProvider: 'v8',
  // Starts nothing by itself: a server starts when a test asks for it.
  globalSetup: '<rootDir>/test/server-owner.mjs',
  reporters: ['default', '<rootDir>/test/suite-table.mjs'],
  testTimeout: 60_000,
};
