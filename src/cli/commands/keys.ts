/** `cellos keys`: the public halves of this host's keys, and whom it trusts. */
import { toBase64Url } from '../../base/bytes.ts';
import { digestOf } from '../../base/crypto.ts';
import { CellError, EXIT } from '../../base/errors.ts';
import { hasKeys, hostPin, openKeys, trustedPins, trustFileAt, trustPins, untrustKey, writePublicFile } from '../../compose/host-keys.ts';
import { StateFolder } from '../../compose/runs.ts';
import { currentSettings } from '../../config/env.ts';
import { trustDocument } from '../../core/signing/trust-document.ts';
import type { ParsedArgs } from '../command.ts';
import { type Output, standardOutput } from '../output.ts';
import { visible } from '../render.ts';
import { type KeyRow, keyTable } from '../render-keys.ts';

interface Job {
  readonly state: StateFolder;
  readonly args: ParsedArgs;
  readonly operands: readonly string[];
  readonly out: Output;
}

function rowsOf(state: StateFolder): KeyRow[] {
  const rows: KeyRow[] = [];
  if (hasKeys(state)) {
    const keys = openKeys(state);
    for (const [purpose, algorithm, key] of [['root', 'ed25519', keys.root], ['event', 'ed25519', keys.event], ['bundle', 'ecdsa-p256-sha256', keys.bundle]] as const) {
      rows.push({ purpose, kid: key.kid, algorithm, fingerprint: digestOf(key.publicKey), publicKey: toBase64Url(key.publicKey) });
    }
  }
  for (const [kid, key] of trustedPins(state.path).flatMap((pin) => [...pin.roots])) rows.push({ purpose: 'trusted', kid, algorithm: 'ed25519', fingerprint: digestOf(key), publicKey: toBase64Url(key) });
  return rows;
}

async function list({ state, args, out }: Job): Promise<void> {
  const rows = rowsOf(state);
  if (args.flag('json')) await out.json({ v: 1, keys: rows });
  else if (rows.length === 0) await out.lines(['No keys yet: they are made by the first run, or by cellos keys make.']);
  else await out.lines(keyTable(rows, { width: out.width, style: out.style }));
}

async function make(job: Job): Promise<void> {
  const fresh = !hasKeys(job.state);
  openKeys(job.state);
  if (!job.args.flag('json')) await job.out.lines([fresh ? `Made the keys of this host in ${visible(job.state.keys)}` : 'The keys of this host are there already; they are kept']);
  await list(job);
}

async function exportRoot({ state, args, out }: Job): Promise<void> {
  if (!hasKeys(state)) throw new CellError('usage.invalid', 'Cannot export the root key: this host has none yet; cellos keys make makes it');
  const { root } = openKeys(state);
  const bytes = trustDocument([hostPin(state)]);
  const file = args.text('out');
  if (file === undefined) await out.write(bytes);
  else {
    writePublicFile(file, bytes);
    await out.lines([`${root.kid} is in ${visible(file)}: give it to auditors, apart from the bundles`]);
  }
}

async function trust({ state, args, operands, out }: Job): Promise<void> {
  if (operands.length === 0) throw new CellError('usage.invalid', 'Cannot trust nothing: give trust files, as cellos keys export writes them on the other host');
  const pins = operands.flatMap((file) => trustFileAt(file));
  const added = new Map(pins.flatMap((pin) => [...pin.roots]));
  const fresh = trustPins(state.path, pins);
  if (args.flag('json')) await out.json({ v: 1, trusted: [...added.keys()], added: fresh });
  else await out.lines([...added].map(([kid, key]) => `${visible(kid)} ${fresh.includes(kid) ? 'is trusted now' : 'was trusted already'}; fingerprint ${digestOf(key)}`));
}

async function untrust({ state, args, operands, out }: Job): Promise<void> {
  if (operands.length === 0) throw new CellError('usage.invalid', 'Cannot take trust from nothing: give key ids; cellos keys list shows them');
  for (const kid of operands) {
    const known = untrustKey(state.path, kid);
    if (args.flag('json')) await out.json({ kid, removed: known });
    else await out.lines([`${visible(kid)} ${known ? 'is not trusted any more' : 'was not trusted'}`]);
  }
}

const ACTIONS: Readonly<Record<string, (job: Job) => Promise<void>>> = { list, make, export: exportRoot, trust, untrust };

async function execute(args: ParsedArgs): Promise<number> {
  const [name = 'list', ...operands] = args.positionals;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) throw new CellError('usage.invalid', `Cannot do ${JSON.stringify(name)} with keys: choose one of ${Object.keys(ACTIONS).join(', ')}; see cellos keys --help`);
  if (args.text('out') !== undefined && name !== 'export') throw new CellError('usage.invalid', 'Cannot use --out here: it belongs to cellos keys export');
  const settings = currentSettings();
  await action({ state: new StateFolder(settings.stateDir), args, operands, out: standardOutput(settings) });
  return EXIT.ok;
}

export const keysCommandLine = { execute };
