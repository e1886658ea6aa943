/**
 * The offline audit of a bundle of 100,000 records of about 1 KB, as the program an auditor starts, with its peak memory. Baseline: as many bare
 * Ed25519 verifications of the same bytes in this process.
 */
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { utf8 } from '../src/base/bytes.ts';
import { digestOf, sha256Stream, verifyEd25519 } from '../src/base/crypto.ts';
import { jsonObject } from '../src/base/json.ts';
import { EVENTS } from '../src/core/events/catalogue.ts';
import { canonicalEventText } from '../src/core/events/envelope-codec.ts';
import { BUNDLE, makeAttestation } from '../src/core/evidence/bundle.ts';
import { ChainWriter, SALT_BYTES } from '../src/core/evidence/chain.ts';
import { trustDocument } from '../src/core/signing/trust-document.ts';
import { rootMap, sampleFile, sampleKey } from '../src/testing/sample-keys.ts';

const RECORDS = 100_000;

export interface VerifyBundle {
  readonly seconds: number;
  readonly baselineSeconds: number;
  readonly peakMiB: number;
  readonly records: number;
  readonly bytes: number;
}

async function makeBundle(folder: string): Promise<{ message: Uint8Array; signature: Uint8Array; publicKey: Uint8Array; bytes: number }> {
  const [event, bundle] = [sampleKey('event', 1), sampleKey('bundle', 3)];
  const keyset = sampleFile([[event, bundle]]);
  let n = 0;
  const chain = new ChainWriter({ stream: 'bench', signer: event, source: 'cellos-supervisor', salt: () => new Uint8Array(SALT_BYTES).fill(n & 0xff), eventId: () => `00000000-0000-4000-8000-${String(n++).padStart(12, '0')}`, time: () => '2026-03-04T05:06:07.123+00:00' });
  const hash = sha256Stream();
  const out = createWriteStream(`${folder}/${BUNDLE.records}`);
  let bytes = 0;
  const put = async (line: Uint8Array): Promise<void> => {
    bytes += line.byteLength;
    hash.update(line);
    if (!out.write(line)) await once(out, 'drain');
  };
  await put(chain.append({ type: EVENTS.genesis.type, tier: 'host', data: jsonObject({ runId: 'bench', keysetDigest: digestOf(keyset), canonicalSpecHash: 'sha256:0' }) }).line);
  const argv = Array.from({ length: 16 }, (_, i) => `--define=OPTION_${i}="value ${i} of größe"`);
  const first = chain.append({ type: EVENTS.commandCompleted.type, tier: 'host', data: jsonObject({ runId: 'bench', argv, exitCode: 0 }) });
  await put(first.line);
  while (chain.count < RECORDS - 1) await put(chain.append({ type: EVENTS.commandCompleted.type, tier: 'host', data: jsonObject({ runId: 'bench', argv, exitCode: chain.count }) }).line);
  await put(chain.seal(jsonObject({ runId: 'bench', outcome: 'exited', gaps: 0 })).line);
  out.end();
  await once(out, 'close');
  writeFileSync(`${folder}/${BUNDLE.keyset}`, keyset);
  writeFileSync(`${folder}/${BUNDLE.attestation}`, makeAttestation({ files: new Map([[BUNDLE.records, hash.digest()], [BUNDLE.keyset, digestOf(keyset)]]), predicate: { runId: 'bench', count: chain.count, head: chain.head, gaps: 0, outcome: 'exited' }, signer: bundle }));
  const message = utf8(canonicalEventText(first.event));
  return { message, signature: event.sign(message), publicKey: event.publicKey, bytes };
}

/** @param options.place folder for the bundle, removed at the end */
export async function measure({ place }: { readonly place: string }): Promise<VerifyBundle> {
  mkdirSync(place, { recursive: true });
  const root = mkdtempSync(`${place}/verify-`);
  try {
    mkdirSync(`${root}/bundle`);
    const { bytes, ...signed } = await makeBundle(`${root}/bundle`);
    writeFileSync(`${root}/trust.json`, trustDocument([{ roots: rootMap(), threshold: 1 }]));
    const from = process.hrtime.bigint();
    const { status, stdout, stderr } = spawnSync('/usr/bin/env', [process.execPath, '--import', `data:text/javascript,process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS))`, 'src/cli/verify-alone.ts', '--trust', `${root}/trust.json`, `${root}/bundle`], { encoding: 'utf8' });
    const seconds = Number(process.hrtime.bigint() - from) / 1e9;
    const peak = /peak (\d+)$/.exec(stderr)?.[1];
    if (status !== 0 || peak === undefined) throw new Error(`The audit ended with ${status}: ${stdout}${stderr}`);
    const began = process.hrtime.bigint();
    for (let i = 0; i < RECORDS; i += 1) if (!verifyEd25519(signed)) throw new Error('A signature does not verify');
    return { seconds, baselineSeconds: Number(process.hrtime.bigint() - began) / 1e9, peakMiB: Number(peak) / 1024, records: RECORDS, bytes };
  } finally {
    rmSync(root, { recursive: true });
  }
}
