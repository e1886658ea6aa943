#!/usr/bin/env node
/**
 * The verifier that ships alone, `cellos-verify.mjs`: one file without dependencies for any Node from 20 on. It holds no key, reads no state of
 * this host and writes nothing: which root keys to trust has to be said.
 */
import { parseArgs } from 'node:util';
import type { Bytes } from '../base/bytes.ts';
import { EXIT, isCellError, messageOf } from '../base/errors.ts';
import type { EnvelopeKeys } from '../core/signing/envelope.ts';
import { bareSigners } from '../core/signing/key-trust.ts';
import type { TrustPin } from '../core/signing/keyset-chain.ts';
import { parseTrustDocument } from '../core/signing/trust-document.ts';
import { parseHmacKeys, parseVerifyKeys } from '../core/signing/verify-keys.ts';
import { parsedFile } from '../compose/evidence.ts';
import { VERSION } from '../version.ts';
import { visible } from './render.ts';
import { auditPath, reportText, timeOption } from './verify-report.ts';

const HELP = `Usage: cellos-verify --trust FILE [--trust FILE…] [--at TIME|now] [--min-epoch N] [--json] PATH
       cellos-verify --keys FILE [--hmac-keys FILE] [--json] FILE.jsonl

Audits the evidence of a CellOS run offline: a bundle folder, a .tar of one, JSON Lines of signed events, or an audit chain.
FILE of --trust is what cellos keys export writes: the root keys to trust, how many of them have to sign, and the keysets so
far, with what was revoked; or a JSON object of key id and base64url Ed25519 public key, which names roots alone. Get it from
whoever runs the host, on another way than the bundle: a bundle proves nothing about who made it to someone who trusts no key.
FILE of --keys is such an object too, of the keys that sign bare events; --hmac-keys adds shared ones, whose events are
counted as internal and prove nothing.

Exit codes: 0 complete or complete-with-declared-gaps, 10 incomplete-tail, 11 tampered, 12 untrusted-key, 13 stale-trust,
14 unsupported, 15 authentic-unordered, 64 wrong usage, 125 any other failure.
`;

function usage(message: string): number {
  process.stderr.write(`cellos-verify: ${visible(message)}; see cellos-verify --help\n`);
  return EXIT.usage;
}

/** Keys for bare events; undefined when none are named. */
function bareKeys(keys: readonly string[] | undefined, hmac: readonly string[] | undefined, pins: readonly TrustPin[]): EnvelopeKeys | undefined {
  if (keys === undefined && hmac === undefined) return undefined;
  const read = (files: readonly string[], parse: (bytes: Bytes) => Map<string, Bytes>): Map<string, Bytes> => new Map(files.flatMap((file) => [...parsedFile(file, 'the keys', parse)]));
  return { ed25519: keys === undefined ? bareSigners(pins) : read(keys, parseVerifyKeys), hmac: read(hmac ?? [], parseHmacKeys) };
}

async function main(args: readonly string[]): Promise<number> {
  let parsed: { values: { trust?: string[]; keys?: string[]; 'hmac-keys'?: string[]; at?: string; 'min-epoch'?: string; json?: boolean; help?: boolean; version?: boolean }; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options: { trust: { type: 'string', multiple: true }, keys: { type: 'string', multiple: true }, 'hmac-keys': { type: 'string', multiple: true }, at: { type: 'string' }, 'min-epoch': { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'V' } }, allowPositionals: true });
  } catch (error) {
    return usage(`Cannot understand the command line: ${messageOf(error).split('. ')[0]}`);
  }
  const { values, positionals } = parsed;
  if (values.help === true || values.version === true) {
    process.stdout.write(values.help === true ? HELP : `cellos-verify ${VERSION}\n`);
    return EXIT.ok;
  }
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) return usage('Cannot verify: give one bundle');
  if (values.trust === undefined && values.keys === undefined) return usage('Cannot verify: say with --trust FILE which root keys you trust');
  const pins = (values.trust ?? []).flatMap((file) => parsedFile(file, 'the trust file', parseTrustDocument));
  const { at, 'min-epoch': epoch } = values;
  if (epoch !== undefined && !/^[1-9]\d{0,8}$/.test(epoch)) return usage(`Cannot use --min-epoch ${JSON.stringify(epoch)}: give a whole number`);
  const report = await auditPath(path, { roots: new Map(), pins, ...(at === undefined ? {} : { at: timeOption(at === 'now' ? new Date().toISOString() : at) }), ...(epoch === undefined ? {} : { epochMin: Number(epoch) }) }, bareKeys(values.keys, values['hmac-keys'], pins));
  process.stdout.write(reportText(report, values.json === true));
  return report.exitCode;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`cellos-verify: ${visible(messageOf(error))}\n`);
    process.exitCode = isCellError(error) ? error.info.exit : EXIT.failure;
  },
);
