// What every vault adapter must do, as tests to be registered by the adapter's own test file.
// Knows nothing of encryption or files; what only one adapter promises is tested beside that adapter.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newSecretRef } from './vault.js';
import type { Vault } from './vault.js';

export interface VaultFixture {
  /** Opens the same vault each time, with everything that was put before. */
  open(): Promise<Vault>;
  dispose(): Promise<void>;
}

export function vaultContract(name: string, arrange: () => Promise<VaultFixture>): void {
  describe(`vault: ${name}`, () => {
    let fixture: VaultFixture;
    let vault: Vault;
    beforeEach(async () => {
      fixture = await arrange();
      vault = await fixture.open();
    });
    afterEach(async () => {
      await vault.close();
      await fixture.dispose();
    });

    test('gives back what was put, whatever characters it has', async () => {
      const secret = { password: 'pä"ss\n\u0000wörd', 'client-key': 'k'.repeat(100_000), empty: '' };
      const ref = newSecretRef();
      await vault.put(ref, secret);
      expect(await vault.get(ref)).toEqual(secret);
    });

    test('a reference that keeps nothing gives null', async () => {
      expect(await vault.get(newSecretRef())).toBeNull();
    });

    test('a repeated put is accepted and another value under the same reference refused', async () => {
      await vault.put('secret-a', { password: 'one' });
      await vault.put('secret-a', { password: 'one' });
      await expect(vault.put('secret-a', { password: 'two' })).rejects.toMatchObject({ code: 'VAULT_REF_TAKEN' });
      expect(await vault.get('secret-a')).toEqual({ password: 'one' });
    });

    test('destroying takes one entry away and may be repeated', async () => {
      await vault.put('secret-a', { password: 'one' });
      await vault.put('secret-b', { password: 'two' });
      await vault.destroy('secret-a');
      await vault.destroy('secret-a');
      expect([await vault.get('secret-a'), await vault.get('secret-b')]).toEqual([null, { password: 'two' }]);
    });

    test('a value put before a crash that kept its event from being written is still listed', async () => {
      await vault.put('secret-named', { password: 'one' });
      await vault.put('secret-orphan', { password: 'two' });
      await vault.close();
      vault = await fixture.open();
      const named = new Set(['secret-named']);
      const orphans = (await vault.refs()).filter((ref) => !named.has(ref));
      expect(orphans).toEqual(['secret-orphan']);
      await vault.destroy('secret-orphan');
      expect(await vault.refs()).toEqual(['secret-named']);
    });

    test('closing twice does nothing', async () => {
      await vault.close();
      await expect(vault.close()).resolves.toBeUndefined();
    });

    test('references are never the same', () => {
      expect(new Set(Array.from({ length: 1000 }, newSecretRef)).size).toBe(1000);
    });
  });
}
