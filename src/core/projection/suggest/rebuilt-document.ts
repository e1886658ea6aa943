/**
 * The document of a command line, made again from the records of its run. The evidence names a document by its digest only: what comes out here is
 * the one that was asked exactly when it has that digest, and then it is no guess.
 */
import type { ExecutionCellDocument, ExecutionCellSpec, SecretDeliveryMode } from '../../spec/document.ts';
import { canonicalSpecHash } from '../../spec/hash.ts';
import type { RunReport } from '../report/report-model.ts';

const DELIVERIES: readonly SecretDeliveryMode[] = ['env', 'runtimeBroker', 'runtimeLeasedBroker'];

/** @returns undefined when the records do not give the document that the genesis names */
export function rebuiltDocument({ run, items, secrets, exports }: RunReport): ExecutionCellDocument | undefined {
  const ttlMs = Number(/^(\d{1,15}) ms$/.exec(items.find(({ name }) => name === 'time.ttl')?.asked ?? '')?.[1] ?? Number.NaN);
  if (run.specId === undefined || run.argv.length === 0 || Number.isNaN(ttlMs)) return undefined;
  const refs = [...new Set(secrets.map(({ ref }) => ref))];
  const artifacts = exports.flatMap(({ name, path }) => (path === undefined ? [] : [{ name, path }]));
  for (const secretDelivery of DELIVERIES) {
    const spec: ExecutionCellSpec = {
      id: run.specId,
      authority: refs.length === 0 ? {} : { secretRefs: refs },
      lifetime: { ttlSeconds: Math.floor(ttlMs / 1000) },
      run: { argv: run.argv, secretDelivery },
      ...(artifacts.length === 0 ? {} : { export: { artifacts } }),
    };
    if (canonicalSpecHash(spec) === run.canonicalSpecHash) return { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec };
  }
  return undefined;
}
