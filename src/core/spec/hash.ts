/**
 * The canonical spec hash (reference/01 §4.2): SHA-256 over the spec in declaration order, optional members as null.
 * LIMIT: covers the members that a command given on the command line can have; documents are not read yet.
 */
import { utf8 } from '../../base/bytes.ts';
import { compactText } from '../../base/canonical-json.ts';
import { type Digest, digestOf } from '../../base/crypto.ts';
import { jsonObject, type JsonValue } from '../../base/json.ts';
import type { ExecutionCellSpec } from './document.ts';

function runBlock(run: ExecutionCellSpec['run']): JsonValue {
  if (run === undefined) return null;
  return jsonObject({ argv: run.argv, workingDirectory: run.workingDirectory ?? null, timeoutMs: run.timeoutMs ?? null, limits: null, secretDelivery: run.secretDelivery });
}

function exportBlock(channels: ExecutionCellSpec['export']): JsonValue {
  if (channels === undefined) return null;
  const artifacts = (channels.artifacts ?? []).map(({ name, path, target, contentType }) => jsonObject({ name, path, target: target ?? null, contentType: contentType ?? null }));
  return jsonObject({ artifacts, targets: null });
}

export function canonicalSpecHash(spec: Pick<ExecutionCellSpec, 'id' | 'run' | 'authority' | 'lifetime' | 'export'>): Digest {
  const text = compactText(
    jsonObject({
      id: spec.id,
      correlation: null,
      ingress: null,
      environment: null,
      policy: null,
      identity: null,
      run: runBlock(spec.run),
      authority: jsonObject({ filesystem: null, network: null, egressRules: null, secretRefs: spec.authority.secretRefs ?? null, authorityDerivation: null }),
      lifetime: jsonObject({ ttlSeconds: spec.lifetime.ttlSeconds }),
      export: exportBlock(spec.export),
    }),
  );
  return digestOf(utf8(text));
}
