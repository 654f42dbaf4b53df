import { expect, test } from '@jest/globals';
import type { DomainEvent } from '../../events/catalogue.js';
import { copyStored, failed, localCreated, pruned, pruneRequested, requested, retired, s3Created, taken, updated } from './target-log.fixture.js';
import { createTargetSecrets } from './target-secrets.js';

/** References that nothing needs after these events; those of targets are of target "s3". */
function unneededAfter(...events: readonly DomainEvent[]): readonly string[] {
  const secrets = createTargetSecrets();
  for (const event of events) secrets.apply({ stream: event.type.startsWith('Target') ? 'target-s3' : 'cluster-a', event });
  return secrets.unneeded().map(({ secretRef }) => secretRef);
}
const created = s3Created('s3', 'ref-1');

test.each<[string, readonly DomainEvent[], readonly string[]]>([
  ['a target in use', [created], []],
  ['a retired target that nothing was stored on', [created, retired], ['ref-1']],
  ['a retired target with another secret by now', [created, updated('ref-2'), retired], ['ref-2']],
  ['a retired target whose keys were taken away', [created, updated(null), retired], []],
  ['a retired target that never had keys', [s3Created('s3', null), retired], []],
  ['a retired target on disk', [localCreated('s3'), retired], []],
  ['a stored copy', [created, requested('a.1', 's3'), taken('a.1', ['s3']), retired], []],
  ['a copy that is being pruned', [created, requested('a.1', 's3'), taken('a.1', ['s3']), retired, pruneRequested('a.1', 's3')], []],
  ['a copy that is gone', [created, requested('a.1', 's3'), taken('a.1', ['s3']), retired, pruned('a.1', 's3')], ['ref-1']],
  ['a copy that went before the target was retired', [created, requested('a.1', 's3'), taken('a.1', ['s3']), pruned('a.1', 's3'), retired], ['ref-1']],
  ['one of two copies gone', [
    created, requested('a.1', 's3'), taken('a.1', ['s3']), requested('a.2', 's3'), taken('a.2', ['s3']), retired, pruned('a.1', 's3'),
  ], []],
  ['a copy gone from another target', [created, requested('a.1', 's3', 'nas'), taken('a.1', ['s3', 'nas']), retired, pruned('a.1', 'nas')], []],
  ['an open request', [created, requested('a.1', 's3'), retired], []],
  ['a request of other targets', [created, requested('a.1', 'nas'), retired], ['ref-1']],
  ['a run that failed', [created, requested('a.1', 's3'), retired, failed('a.1')], ['ref-1']],
  ['a run that stored its copy after all', [created, requested('a.1', 's3'), retired, taken('a.1', ['s3'])], []],
  ['a run that stored copies elsewhere only', [created, requested('a.1', 's3', 'nas'), retired, taken('a.1', ['nas'], ['s3'])], ['ref-1']],
  ['a copy that was repaired before the end', [created, requested('a.1', 's3', 'nas'), taken('a.1', ['nas'], ['s3']), copyStored('a.1', 's3'), retired], []],
])('%s', (_, events, refs) => {
  expect(unneededAfter(...events)).toEqual(refs);
});

test('what is forgotten does not come again', () => {
  const secrets = createTargetSecrets();
  for (const event of [created, retired]) secrets.apply({ stream: 'target-s3', event });
  secrets.forget('s3');
  secrets.apply({ stream: 'cluster-a', event: pruned('a.1', 's3') });
  expect(secrets.unneeded()).toEqual([]);
});
