// The import rule: which room may know which, who may name an adapter, who may name a vendor's package.
// Type imports count too. Not here: rules inside a file (eslint.config.js).

// Every file of ours: a room's, or one at the root.
const OURS = '^(events|services|projections|schema|console|test|demo|bench|scripts)/|^[^/]+\\.ts$';
// What only tests use; bench/ measures the parts themselves and counts as a test here.
const TESTS = '\\.(test|contract|fixture|soak)\\.ts$|^test/|^bench/';
// `<port>.<vendor>.ts` is an adapter, and so is the client of etcd.
const WITH_VENDOR = '[^/.]+\\.(?!(test|contract|fixture|soak)\\.ts$)[a-z0-9-]+\\.ts$';
const ADAPTER = `(^|/)${WITH_VENDOR}|^services/etcd/etcd-(member-)?client\\.ts$`;

const room = (name, mayImport) => ({
  name: `room-${name}`,
  severity: 'error',
  comment: `${name}/ may import ${mayImport.length === 0 ? 'nothing else of ours' : `only ${mayImport.join(', ')}`}.`,
  from: { path: `^${name}/` },
  to: { path: OURS, pathNot: [`^(${[name, ...mayImport].join('|')})/`, '^test/'] },
});

const vendor = (packages, home, to = {}) => ({
  name: `vendor-${packages.split('|')[0].replace(/\W+/g, '')}`,
  severity: 'error',
  comment: `Only ${home} may import ${packages.replaceAll('|', ', ')}.`,
  from: { path: OURS, pathNot: [home, TESTS] },
  to: { path: `(^|/)node_modules/(${packages})/|^(node:)?(${packages})$`, ...to },
});

module.exports = {
  forbidden: [
    room('events', []),
    room('services', ['events']),
    room('projections', ['events']),
    room('schema', ['services', 'projections', 'events']),
    room('console', []),
    room('demo', []),
    {
      name: 'test-code-stays-out',
      severity: 'error',
      comment: 'Only tests import what is there for tests.',
      from: { path: OURS, pathNot: TESTS },
      to: { path: TESTS },
    },
    {
      name: 'adapters-only-in-the-roots',
      severity: 'error',
      comment: 'Only the composition root (ground.ts, roles.ts, cli.ts, log-copy-command.ts) and tests name an adapter; everything else knows its port.',
      from: { path: OURS, pathNot: ['^(ground|roles|cli|log-copy-command)\\.ts$', TESTS, ADAPTER] },
      to: { path: ADAPTER, pathNot: ['node_modules'] },
    },
    {
      name: 'adapters-stay-with-their-own',
      severity: 'error',
      comment: 'An adapter may be made of several files, all beside its port.',
      from: { path: `^(.+)/${WITH_VENDOR}` },
      to: { path: ADAPTER, pathNot: ['node_modules', '^$1/'] },
    },
    vendor('sqlite', '\\.sqlite\\.ts$'),
    vendor('etcd3|@grpc/grpc-js', '^services/etcd/'),
    vendor('agenda|@agendajs', '^services/schedule/[^/]*agenda[^/]*\\.ts$'),
    vendor('croner', '^services/schedule/'),
    vendor('mongodb', '\\.mongo\\.ts$'),
    vendor('@eventstore/db-client', '\\.eventstoredb\\.ts$'),
    vendor('@aws-sdk|@smithy', '\\.s3\\.ts$'),
    vendor('age-encryption', '^services/encoding/'),
    vendor('type-graphql|@apollo|@as-integrations|express|dataloader|graphql-query-complexity|graphql-scalars', '^schema/'),
    vendor('graphql|graphql-ws|ws', '^(schema|demo)/'),
    // pino's type Logger is the port of logging: whoever logs is given one.
    vendor('pino|pino-pretty', '^(main|log)\\.ts$', { dependencyTypesNot: ['type-only'] }),
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Files that import each other in a ring cannot be read one at a time.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Nothing imports this file, and it imports nothing: it is dead.',
      from: { orphan: true, path: OURS, pathNot: ['^(main|cli)\\.ts$', TESTS, '^scripts/(run|health-check)\\.mjs$'] },
      to: {},
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'What is imported must exist.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-packages',
      severity: 'error',
      comment: 'A package that is imported is a dependency in package.json; one that runs in production is no devDependency.',
      from: { path: OURS, pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|data|coverage|\\.cache|docs)/|\\.d\\.mts$|^(jest|eslint)\\.config\\.js$|^\\.dependency-cruiser\\.cjs$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
