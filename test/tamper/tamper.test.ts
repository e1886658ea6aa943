import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderBundle, tarBundle } from '../../src/adapters/os/bundle-files.ts';
import { type Bytes, concatBytes, fromBase64, toBase64, utf8 } from '../../src/base/bytes.ts';
import { auditBundle } from '../../src/core/evidence/audit.ts';
import { auditEnvelopes } from '../../src/core/evidence/audit-envelopes.ts';
import type { AuditReport } from '../../src/core/evidence/audit-report.ts';
import { BUNDLE } from '../../src/core/evidence/bundle.ts';
import { verifyKeysetFile } from '../../src/core/signing/keyset-chain.ts';
import { auditedWhole, type Campaign, changedArchive, changedFileBytes, changedRecordBytes, cutTails, exchangedFiles, linesOfFile, movedLines, otherValues, withByte } from './campaigns.ts';
import { type Files, makeSample, memoryBundle, type Sample, tarOf, withFile } from './sample.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-tamper-`);
let sample: Sample;
let first: Files;

beforeAll(() => {
  sample = makeSample(folder);
  first = sample.first;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const audit = (files: Files): Promise<AuditReport> => auditBundle(memoryBundle(files), sample.trust);
const text = (bytes: Bytes | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

function expectClean(campaign: Campaign, variantsMin: number): void {
  expect(campaign.wrong).toEqual([]);
  expect(campaign.variants).toBeGreaterThan(variantsMin);
}

describe('a bundle as it was made', () => {
  it('is complete, as a folder, as an archive and in memory', async () => {
    expect([...first.keys()].map((path) => path.replace(/[0-9a-f]{64}/, 'DIGEST')).sort()).toEqual(['artifacts/DIGEST', BUNDLE.attestation, BUNDLE.checkpoint, BUNDLE.keyset, BUNDLE.proofs, BUNDLE.records, BUNDLE.stderr, BUNDLE.stdout]);
    for (const files of [first, sample.second]) expect(await audit(files)).toMatchObject({ verdict: 'complete', exitCode: 0, findings: [] });
    expect(await auditBundle(folderBundle(`${folder}/first`), sample.trust)).toMatchObject({ verdict: 'complete' });
    writeFileSync(`${folder}/own.tar`, tarOf(first));
    expect(await auditBundle(tarBundle(`${folder}/own.tar`), sample.trust)).toMatchObject({ verdict: 'complete' });
  });

  it('is complete in every archive tar makes of it', async () => {
    for (const [i, args] of [['-C', folder, 'first'], ['-C', `${folder}/first`, '.'], ['--format=ustar', '-C', `${folder}/first`, '.'], ['--format=gnu', '-b', '1', '-C', folder, './first']].entries()) {
      const path = `${folder}/made-${i}.tar`;
      execFileSync('tar', ['-cf', path, ...args]);
      expect(await auditBundle(tarBundle(path), sample.trust), args.join(' ')).toMatchObject({ verdict: 'complete' });
    }
  });
});

describe('any edit of a bundle is noticed', () => {
  it('each byte of each record, the record named', () => expectClean(changedRecordBytes(first, sample.trust, 'telling'), 80_000), 120_000);
  it('the records cut at each byte: incomplete without the attestation, tampered with it', () => expectClean(cutTails(first, sample.trust), 40_000));
  it('each record removed, repeated, swapped, or taken from another run', async () => expectClean(await movedLines(first, sample.second, sample.trust), 2_000), 120_000);
  it('each byte of every other file', async () => expectClean(await changedFileBytes(first, sample.trust, 'telling'), 8_000), 120_000);
  it('files missing, renamed, added, or of another run', async () => expectClean(await exchangedFiles(first, sample.second, sample.trust), 100));
  it('each byte of an archive that is not content', () => expectClean(changedArchive(first, 'telling'), 15_000));
  it('the same through the whole audit, for one byte in 37', async () => expectClean(await auditedWhole(first, sample.trust, 37), 1_500), 120_000);
});

describe('a second spelling of the same content is refused', () => {
  const attestationEdits: [string, (json: string) => string][] = [
    ['a space', (json) => json.replace('":"', '": "')],
    ['a newline at the end', (json) => `${json}\n`],
    ['another key order', (json) => `{"payloadType":${/"payloadType":("[^"]*")/.exec(json)?.[1]},${json.slice(1).replace(/,?"payloadType":"[^"]*"/, '')}`],
    ['a repeated key', (json) => json.replace('{', '{"payload":"",')],
    ['an unknown key', (json) => json.replace(/\}$/, ',"z":1}')],
    ['a second signature', (json) => json.replace(/"signatures":\[(.*)\]/, '"signatures":[$1,$1]')],
    ['an escape', (json) => json.replace('"payloadType"', '"\\u0070ayloadType"')],
    ['unpadded base64', (json) => json.replace(/=+"/g, '"')],
    ['base64 in the alphabet of URLs', (json) => json.replace(/"payload":"([^"]*)"/, (_, payload: string) => `"payload":"${Buffer.from(payload, 'base64').toString('base64url')}"`)],
    ['base64 in lines', (json) => json.replace(/"payload":"(.{8})/, '"payload":"$1\\n')],
    ['loose bits at the end of base64', (json) => json.replace(/([A-Za-z0-9+/])(=+")/, (_, last: string, end: string) => `${String.fromCharCode(last.charCodeAt(0) + 1)}${end}`)],
  ];
  it.each(attestationEdits)('attestation: %s', async (_, edit) => {
    const json = text(first.get(BUNDLE.attestation));
    expect(edit(json)).not.toBe(json);
    expect(await audit(withFile(first, BUNDLE.attestation, utf8(edit(json))))).toMatchObject({ verdict: 'tampered' });
  });

  it('attestation: the other of the two ECDSA signatures that fit', async () => {
    const json = JSON.parse(text(first.get(BUNDLE.attestation))) as { signatures: { sig: string }[] };
    const [signature] = json.signatures;
    const der = fromBase64(signature?.sig ?? '') as Bytes;
    const twin = json.signatures.map((one) => ({ ...one, sig: toBase64(highTwin(der)) }));
    expect(await audit(withFile(first, BUNDLE.attestation, utf8(JSON.stringify({ payload: (json as unknown as { payload: string }).payload, payloadType: 'application/vnd.in-toto+json', signatures: twin }))))).toMatchObject({ verdict: 'tampered' });
  });

  const recordEdits: [string, (line: string) => string][] = [
    ['a space', (line) => line.replace(',', ', ')],
    ['a carriage return', (line) => `${line}\r`],
    ['another key order', (line) => line.replace(/^\{("digest":"[^"]*"),(.*)\}$/, '{$2,$1}')],
    ['a repeated key', (line) => line.replace(/\}$/, ',"v":1}')],
    ['an escape', (line) => line.replace('"digest"', '"\\u0064igest"')],
    ['a number as a float', (line) => line.replace(/"seq":(\d+)/, '"seq":$1.0')],
    ['a number with an exponent', (line) => line.replace('"v":1', '"v":1e0')],
    ['an unknown member', (line) => line.replace(/\}$/, ',"x":1}')],
    ['an unknown member of the envelope', (line) => line.replace('"algorithm"', '"a":1,"algorithm"')],
    ['a padded signature', (line) => line.replace(/"signature":"([^"]*)"/, '"signature":"$1=="')],
    ['an empty line', (line) => `\n${line}`],
  ];
  it.each(recordEdits)('record: %s', async (_, edit) => {
    const lines = text(first.get(BUNDLE.records)).split('\n');
    const line = lines[4] as string;
    expect(edit(line)).not.toBe(line);
    lines[4] = edit(line);
    const report = await audit(withFile(first, BUNDLE.records, utf8(lines.join('\n'))));
    expect(report).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: 4, line: 5 } });
  });

  it('a line without an end is bounded, and named', async () => {
    const huge = concatBytes([first.get(BUNDLE.records) as Bytes, new Uint8Array(5 * 1024 * 1024).fill(32)]);
    const count = linesOfFile(first).length;
    expect(await audit(withFile(first, BUNDLE.records, huge))).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: count } });
  });
});

describe('withheld events', () => {
  const withhold = (files: Files, which: (seq: number) => boolean): Files => {
    const lines = text(files.get(BUNDLE.records)).trimEnd().split('\n');
    return withFile(files, BUNDLE.records, utf8(`${lines.map((line, seq) => (which(seq) ? line.replace(/"envelope":\{.*\},"prev"/, '"prev"') : line)).join('\n')}\n`));
  };

  it('leave the chain whole: gaps that the records declare, all but the first and the seal', async () => {
    const count = linesOfFile(first).length;
    for (let seq = 0; seq < count; seq += 1) {
      const report = await audit(withhold(first, (one) => one === seq));
      if (seq === 0 || seq === count - 1) expect(report).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: seq === 0 ? 0 : count } });
      else expect(report).toMatchObject({ verdict: 'complete-with-declared-gaps', exitCode: 0, findings: [`1 events are withheld: record ${seq}`] });
    }
    expect(await audit(withhold(first, (seq) => seq > 0 && seq < count - 1))).toMatchObject({ verdict: 'complete-with-declared-gaps' });
  });

  it('do not hide an edit: each byte of what is left is still proved', async () => {
    const left = withhold(first, (seq) => seq === 3);
    const original = left.get(BUNDLE.records) as Bytes;
    const lines = linesOfFile(left);
    const from = lines.slice(0, 3).reduce((sum, line) => sum + line.byteLength, 0);
    for (let at = from; at < from + (lines[3]?.byteLength ?? 0) - 1; at += 1) {
      for (const value of otherValues(original[at] ?? 0, 'telling')) {
        const report = await audit(withFile(left, BUNDLE.records, withByte(original, at, value)));
        // A salt of another value is seen by the record after: its `prev` is the digest of this one.
        expect([3, 4], `byte ${at} to ${value}`).toContain(report.firstBadRecord?.seq);
        expect(['tampered', 'unsupported']).toContain(report.verdict);
      }
    }
    expect(await audit(withFile(left, 'stdout.log', utf8('other\n')))).toMatchObject({ verdict: 'tampered' });
  }, 120_000);
});

describe('bare signed events', () => {
  const envelopes = (): string[] => linesOfFile(first).map((line) => /"envelope":(\{.*\}),"prev"/.exec(text(line))?.[1] ?? '');
  const keys = (): { ed25519: Map<string, Bytes> } => ({ ed25519: new Map(verifyKeysetFile(first.get(BUNDLE.keyset) as Bytes, [{ roots: sample.trust.roots, threshold: 1 }]).history.head.keys.filter((key) => key.purpose === 'event').map((key) => [key.kid, key.publicKey])) });
  async function* chunks(body: string): AsyncGenerator<Bytes> {
    yield utf8(body);
  }

  it('are authentic, and no more: neither order nor number is proved', async () => {
    const lines = envelopes();
    const count = lines.length;
    for (const body of [lines, [...lines].reverse(), lines.slice(2)]) expect(await auditEnvelopes(chunks(`${body.join('\n\n')}\n`), keys())).toMatchObject({ verdict: 'authentic-unordered', exitCode: 15, count: body.length });
    expect(await auditEnvelopes(chunks(lines.join('\n')), { ed25519: new Map() })).toMatchObject({ verdict: 'untrusted-key', exitCode: 12, firstBadRecord: { line: 1 } });
    expect(await auditEnvelopes(chunks([...lines, '{}'].join('\n\n')), keys())).toMatchObject({ verdict: 'tampered', firstBadRecord: { seq: count, line: 2 * count + 1 } });
  });

  it('never pass with another event: each byte of one changed', async () => {
    const [line = ''] = envelopes().sort((a, b) => a.length - b.length);
    const bytes = utf8(line);
    for (const [at, byte] of bytes.entries()) {
      for (const value of otherValues(byte, 'telling')) {
        const edited = Buffer.from(withByte(bytes, at, value)).toString('latin1');
        const report = await auditEnvelopes((async function* () { yield Buffer.from(edited, 'latin1'); })(), keys());
        if (report.verdict === 'authentic-unordered') expect(JSON.parse(edited), `byte ${at} to ${value}`).toMatchObject({ event: { data: JSON.parse(line).event.data, id: JSON.parse(line).event.id } });
        else expect(['tampered', 'untrusted-key']).toContain(report.verdict);
      }
    }
  });
});

describe('a bundle folder', () => {
  const cases: [string, (path: string) => void][] = [
    ['a symlink in place of a file', (path) => { renameSync(`${path}/stdout.log`, `${folder}/moved`); symlinkSync(`${folder}/moved`, `${path}/stdout.log`); }],
    ['a dangling symlink more', (path) => symlinkSync('/nonexistent', `${path}/more`)],
    ['a symlinked folder', (path) => { renameSync(`${path}/artifacts`, `${folder}/moved-artifacts`); symlinkSync(`${folder}/moved-artifacts`, `${path}/artifacts`); }],
    ['a fifo', (path) => void execFileSync('mkfifo', [`${path}/pipe`])],
    ['an empty folder more', (path) => mkdirSync(`${path}/more`)],
    ['a folder in place of a file', (path) => { rmSync(`${path}/stderr.log`); mkdirSync(`${path}/stderr.log`); }],
  ];
  it.each(cases)('%s is refused', async (name, edit) => {
    const path = `${folder}/case-${name.replaceAll(' ', '-')}`;
    cpSync(`${folder}/first`, path, { recursive: true });
    edit(path);
    expect(await auditBundle(folderBundle(path), sample.trust)).toMatchObject({ verdict: 'tampered' });
  });

  it('of another host is untrusted', () => {
    const verify = spawnSync('bin/cellos', ['verify', '--json', `${folder}/first`], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${folder}/elsewhere` }, encoding: 'utf8' });
    expect(JSON.parse(verify.stdout)).toMatchObject({ verdict: 'untrusted-key' });
    expect(verify.status).toBe(12);
  });
});

/** (r, n - s) of a DER signature (r, s): ECDSA accepts both. The high one when the signature is the low one. */
function highTwin(der: Bytes): Bytes {
  const rLength = der[3] ?? 0;
  const r = der.subarray(4, 4 + rLength);
  const s = BigInt(`0x${Buffer.from(der.subarray(6 + rLength)).toString('hex')}`);
  let hex = (0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n - s).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  if (Number.parseInt(hex.slice(0, 2), 16) > 127) hex = `00${hex}`;
  const twin = Buffer.from(hex, 'hex');
  return concatBytes([Uint8Array.of(0x30, 4 + r.byteLength + twin.byteLength, 2, r.byteLength), r, Uint8Array.of(2, twin.byteLength), twin]);
}
