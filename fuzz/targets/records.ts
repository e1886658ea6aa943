/**
 * The records of a bundle: a verdict for any lines, a forked reader says the same, no event is accepted that was not signed, and no whole run that was
 * not written. The tier of the last record is bound by the next one only (audit.ts, U7).
 */
import { assert } from '../../src/base/errors.ts';
import { digestOf, ed25519SigningKey } from '../../src/base/crypto.ts';
import { jsonObject } from '../../src/base/json.ts';
import { judgeRecords } from '../../src/core/evidence/audit.ts';
import { RecordAuditor } from '../../src/core/evidence/audit-records.ts';
import { ChainWriter } from '../../src/core/evidence/chain.ts';
import { EVENTS } from '../../src/core/events/catalogue.ts';

const key = ed25519SigningKey(new Uint8Array(32).fill(7));
const keysetDigest = digestOf(new Uint8Array());

function sealedRun(): Uint8Array {
  let id = 0;
  const chain = new ChainWriter({ stream: 'run', signer: { kid: 'k', sign: key.sign }, source: 's', salt: () => new Uint8Array(16), eventId: () => `id-${id++}`, time: () => '2026-01-01T00:00:00Z' });
  const genesis = chain.append({ type: EVENTS.genesis.type, tier: 'host', data: jsonObject({ runId: 'run', keysetDigest }) });
  return Buffer.concat([genesis.line, chain.append({ type: 'x', tier: 'guest', data: null }).line, chain.seal(jsonObject({ runId: 'run', outcome: 'exited', gaps: 0 })).line]);
}

const good = sealedRun();
const goodText = Buffer.from(good).toString('latin1');
const anyTier = (line: string): string => line.replace(/"tier":"[a-z]+","v":1}$/, '');
const goodLines = new Set(goodText.split('\n').map(anyTier));
export const seeds = [good, good.subarray(0, good.indexOf(10) + 1)];

export default function records(bytes: Uint8Array): void {
  let auditor = new RecordAuditor(new Map([['k', key.publicKey]]));
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  const rest = lines.pop();
  for (const line of lines) {
    const before = auditor.count;
    auditor = auditor.fork();
    auditor.push(Buffer.from(line, 'latin1'));
    if (auditor.count > before && !auditor.withheld.includes(before)) assert(goodLines.has(anyTier(line)), 'only an event that was signed is accepted, and in its place');
  }
  const report = judgeRecords(auditor, { torn: rest !== '', attested: true, keysetDigest });
  assert(report !== undefined || `${lines.join('\n')}\n` === goodText, 'only the whole run is whole');
}
