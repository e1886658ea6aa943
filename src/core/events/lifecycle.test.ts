import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../base/canonical-json.ts';
import type { ExecutionCellSpec } from '../spec/document.ts';
import type { CellContext } from './blocks.ts';
import * as lifecycle from './lifecycle.ts';

const spec: ExecutionCellSpec = { id: 's', authority: {}, lifetime: { ttlSeconds: 2n ** 64n - 1n }, correlation: { tenantId: 't' }, placement: { poolId: 'p' } };
const run: CellContext = { cellId: 'c', runId: 'r', spec };
const bare: CellContext = { cellId: 'c', spec: { id: 's', authority: {}, lifetime: { ttlSeconds: 1 } } };
const invalid = (path: string) => expect.objectContaining({ code: 'event.invalid', facts: { path } });

describe('events about the life of a cell', () => {
  it('carry ids, correlation, placement and the whole of a 64-bit time to live', () => {
    expect(canonicalText(lifecycle.lifecycleStartedData(run, { specHash: 'ab', derivationVerified: false }))).toBe(
      '{"cellId":"c","correlation":{"externalJobId":null,"externalRunId":null,"labels":null,"platform":null,"tenantId":"t"},"derivationVerified":false,"placement":{"poolId":"p"},"runId":"r","specHash":"ab","specId":"s","tenantId":"t","ttlSeconds":18446744073709551615}',
    );
    expect(canonicalText(lifecycle.lifecycleStartedData(bare, {}))).toBe('{"cellId":"c","specId":"s","ttlSeconds":1}');
  });

  it('end with any reason, and with a bundle only by a subject URN', () => {
    expect(lifecycle.lifecycleDestroyedData(bare, { outcome: 'failed', reason: 'anything', evidenceBundleRef: 'urn:cellos:evidence-bundle:r' })).toMatchObject({ reason: 'anything', evidenceBundleRef: 'urn:cellos:evidence-bundle:r' });
    expect(() => lifecycle.lifecycleDestroyedData(bare, { outcome: 'failed', evidenceBundleRef: 'bundle' })).toThrow(expect.objectContaining({ code: 'event.invalid', facts: { reason: 'missing-scheme' } }));
    expect(() => lifecycle.lifecycleDestroyedData(bare, { outcome: 'gone' as 'failed' })).toThrow(invalid('outcome'));
  });

  it('write an identity with its unset members as null', () => {
    const identity = { kind: { awsAssumeRole: { role_arn: 'arn' } }, provider: 'p', audience: 'a', secretRef: 'S' } as const;
    expect(canonicalText(lifecycle.identityMaterializedData(bare, { identity }))).toBe('{"cellId":"c","identity":{"audience":"a","kind":{"awsAssumeRole":{"role_arn":"arn"}},"provider":"p","secretRef":"S","subject":null,"ttlSeconds":null},"specId":"s"}');
    expect(() => lifecycle.identityFailedData(bare, { identity: { ...identity, kind: 'other' as 'federatedOidc' }, operation: 'revoke', reason: '' })).toThrow(invalid('identity.kind'));
    expect(lifecycle.identityRevokedData(bare, { identity, provenance: { parent: 'e', parentType: 't' } })).toMatchObject({ provenance: { parent: 'e', parentType: 't' } });
  });

  it('hold integers within their width only', () => {
    const command = (exitCode: number | bigint, durationMs: number | bigint) => () => lifecycle.commandCompletedData(bare, { argv: [], exitCode, durationMs });
    expect(command(-(2 ** 31), 2n ** 64n - 1n)()).toMatchObject({ exitCode: -(2 ** 31), durationMs: 2n ** 64n - 1n });
    expect(command(2 ** 31, 0)).toThrow(invalid('exitCode'));
    expect(command(0, -1)).toThrow(invalid('durationMs'));
    expect(command(0, 2n ** 64n)).toThrow(invalid('durationMs'));
    expect(command(0.5, 0)).toThrow(invalid('exitCode'));
  });

  it('name the argument that is wrong, down to the member of a list', () => {
    expect(() => lifecycle.commandCompletedData(bare, { argv: ['a', 5 as never], exitCode: 0, durationMs: 0 })).toThrow(invalid('argv[1]'));
    expect(() => lifecycle.commandCompletedData(bare, { argv: [], durationMs: 0 } as never)).toThrow(invalid('exitCode'));
    expect(() => lifecycle.commandCompletedData({ ...bare, cellId: 7 as never }, { argv: [], exitCode: 0, durationMs: 0 })).toThrow(invalid('cellId'));
    expect(() => lifecycle.exportFailedData(bare, { artifactName: 'a', targetKind: 'ftp' as 's3', reason: '' })).toThrow(invalid('targetKind'));
    expect(() => lifecycle.exportCompletedV1Data(bare, { artifactName: '\ud800', bytesWritten: 0, destinationRelative: '' })).toThrow(invalid('artifactName'));
  });

  it('write a receipt without a target name as null, and a null argument as not given', () => {
    const data = lifecycle.exportCompletedData(bare, { artifactName: 'a', receipt: { bytesWritten: 1, destination: 'd', targetKind: 'local' }, provenance: null as never });
    expect(canonicalText(data)).toBe('{"artifactName":"a","cellId":"c","receipt":{"bytesWritten":1,"destination":"d","targetKind":"local","targetName":null},"specId":"s"}');
  });

  it('of other sources say themselves what they are about', () => {
    expect(canonicalText(lifecycle.manifestFailedData({ role: 'kernel', expectedSha256: 'a', actualSha256: 'b', manifestPath: '/m' }))).toBe('{"actualSha256":"b","expectedSha256":"a","manifestPath":"/m","role":"kernel"}');
    expect(lifecycle.universalTokenAcceptedData({ cellId: 'c', runId: 'r', specId: 's', reason: 'x', remediation: 'y' })).toMatchObject({ specHash: null, roleRoot: null });
  });
});
