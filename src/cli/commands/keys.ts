/** `cellos keys`: the keys of this host, and whom it trusts. */
import { toBase64Url } from '../../base/bytes.ts';
import { digestOf } from '../../base/crypto.ts';
import { CellError, EXIT, isCellError } from '../../base/errors.ts';
import { canonicalBytes } from '../../base/canonical-json.ts';
import { hasKeys, hostPin, trustedPins, trustFileAt, trustPins, untrustKey, writePublicFile } from '../../compose/host-keys.ts';
import { ownKeys } from '../../compose/key-custody.ts';
import { StateFolder } from '../../compose/runs.ts';
import { currentSettings } from '../../config/env.ts';
import { boundText, isOver } from '../../core/signing/key-validity.ts';
import { usableKeys } from '../../core/signing/key-trust.ts';
import type { KeysetHistory, TrustPin } from '../../core/signing/keyset-chain.ts';
import { trustDocument, verifyKeysFile } from '../../core/signing/trust-document.ts';
import type { ParsedArgs } from '../command.ts';
import { apply, init, revoke, rotate, sign } from '../key-changes.ts';
import type { KeyJob } from '../key-job.ts';
import { standardOutput } from '../output.ts';
import { plural, visible, wrap } from '../render.ts';
import { type KeyRow, keyTable, STEP_NEXT } from '../render-keys.ts';

function ownRows(history: KeysetHistory, all: boolean): KeyRow[] {
  return [...history.keys.values()]
    .filter((key) => all || !isOver(key.state))
    .map(({ purpose, state, kid, algorithm, publicKey, until }) => ({ purpose, state, kid, algorithm, fingerprint: digestOf(publicKey), publicKey: toBase64Url(publicKey), ...(until === undefined ? {} : { until: boundText(until) }) }));
}

function trustedRows(pins: readonly TrustPin[]): KeyRow[] {
  return pins.flatMap((pin) => [...pin.roots].map(([kid, key]) => ({ purpose: 'trusted' as const, state: pin.known === undefined ? 'pinned' : `epoch ${pin.known.head.epoch}`, kid, algorithm: 'ed25519', fingerprint: digestOf(key), publicKey: toBase64Url(key) })));
}

async function list({ state, args, out }: KeyJob): Promise<void> {
  const own = hasKeys(state) ? ownKeys(state) : undefined;
  const rows = [...(own === undefined ? [] : ownRows(own.history, args.flag('all'))), ...trustedRows(trustedPins(state.path))];
  const head = own?.history.head;
  if (args.flag('json')) {
    await out.json({ v: 1, ...(own === undefined ? {} : { epoch: head?.epoch, threshold: head?.threshold, next: own.next }), keys: rows });
    return;
  }
  if (rows.length === 0) {
    await out.lines(['No keys yet: they are made by the first run, or by cellos keys init.']);
    return;
  }
  await out.lines(keyTable(rows, { width: out.width, style: out.style }));
  if (own !== undefined) await out.lines(wrap(`Keyset epoch ${head?.epoch}, signed by ${plural(head?.threshold ?? 1, 'root key')}. Next: cellos keys rotate ${STEP_NEXT[own.next]}.`, Math.min(out.width, 100)));
}

const FORMATS: Readonly<Record<string, (pin: TrustPin) => Uint8Array>> = {
  trust: (pin) => trustDocument([pin]),
  'verify-keys': ({ known }) => verifyKeysFile(new Map(known === undefined ? [] : usableKeys(known, 'event'))),
  'root-keys': ({ roots }) => verifyKeysFile(roots),
  'keyset-envelope': ({ chain }) => canonicalBytes(chain?.at(-1) ?? null),
};

async function exportKeys({ state, args, out }: KeyJob): Promise<void> {
  if (!hasKeys(state)) throw new CellError('usage.invalid', 'Cannot export keys: this host has none yet; cellos keys init makes them');
  const format = args.text('format') ?? 'trust';
  const make = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (make === undefined) throw new CellError('usage.invalid', `Cannot export as ${JSON.stringify(format)}: choose one of ${Object.keys(FORMATS).join(', ')}`);
  const pin = hostPin(state);
  const bytes = make(pin);
  const file = args.text('out');
  if (file === undefined) {
    await out.write(bytes);
    return;
  }
  writePublicFile(file, bytes);
  const what = format === 'trust' ? `${[...pin.roots.keys()].map(visible).join(', ')} and keyset epoch ${pin.known?.head.epoch} are` : `The ${format} are`;
  await out.lines([`${what.replace('keyset-envelope are', 'newest keyset envelope is')} in ${visible(file)}: give it to auditors, apart from the bundles`]);
}

async function trust({ state, args, operands, out }: KeyJob): Promise<void> {
  if (operands.length === 0) throw new CellError('usage.invalid', 'Cannot trust nothing: give trust files, as cellos keys export writes them on the other host');
  const pins = operands.flatMap((file) => trustFileAt(file));
  let fresh: readonly string[];
  try {
    fresh = await trustPins(state.path, pins);
  } catch (error) {
    if (!isCellError(error, 'signature.invalid')) throw error;
    throw new CellError('document.invalid', `Cannot trust ${operands.join(', ')}: ${error.message.replace('Cannot use the keyset: ', '')}; get the newest trust file of that host`, { cause: error, facts: error.facts });
  }
  if (args.flag('json')) {
    await out.json({ v: 1, trusted: pins.flatMap((pin) => [...pin.roots.keys()]), added: fresh, epochs: pins.map((pin) => pin.known?.head.epoch ?? null) });
    return;
  }
  for (const pin of pins) {
    await out.lines([...pin.roots].map(([kid, key]) => `${visible(kid)} ${fresh.includes(kid) ? 'is trusted now' : 'was trusted already'}; fingerprint ${digestOf(key)}`));
    if (pin.known !== undefined) await out.lines([`Its keysets are known up to epoch ${pin.known.head.epoch}: none that ends before is accepted from now on`]);
  }
}

async function untrust({ state, args, operands, out }: KeyJob): Promise<void> {
  if (operands.length === 0) throw new CellError('usage.invalid', 'Cannot take trust from nothing: give key ids; cellos keys list shows them');
  for (const kid of operands) {
    const known = await untrustKey(state.path, kid);
    if (args.flag('json')) await out.json({ kid, removed: known });
    else await out.lines([`${visible(kid)} ${known ? 'is not trusted any more' : 'was not trusted'}`]);
  }
}

interface Action {
  readonly run: (job: KeyJob) => Promise<void>;
  /** Options that mean something to it, beside --json. */
  readonly options: readonly string[];
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { run: list, options: ['all'] },
  init: {
    run: async (job) => {
      await init(job);
      await list(job);
    },
    options: ['root-out', 'roots', 'threshold'],
  },
  rotate: { run: rotate, options: ['root', 'ask'] },
  revoke: { run: revoke, options: ['root', 'ask', 'retired', 'compromised-from'] },
  sign: { run: sign, options: ['root', 'out'] },
  apply: { run: apply, options: [] },
  export: { run: exportKeys, options: ['out', 'format'] },
  trust: { run: trust, options: [] },
  untrust: { run: untrust, options: [] },
};

async function execute(args: ParsedArgs): Promise<number> {
  const [name = 'list', ...operands] = args.positionals;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) throw new CellError('usage.invalid', `Cannot do ${JSON.stringify(name)} with keys: choose one of ${Object.keys(ACTIONS).join(', ')}; see cellos keys --help`);
  for (const [other, { options }] of Object.entries(ACTIONS)) {
    const foreign = options.find((option) => !action.options.includes(option) && (args.text(option) !== undefined || args.texts(option).length > 0 || args.flag(option)));
    if (foreign !== undefined) throw new CellError('usage.invalid', `Cannot use --${foreign} here: it belongs to cellos keys ${other}`);
  }
  const settings = currentSettings();
  let folder: StateFolder | undefined;
  const job: KeyJob = {
    // Who only signs has no state folder, and gets none.
    get state() {
      folder ??= new StateFolder(settings.stateDir);
      return folder;
    },
    args,
    operands,
    out: standardOutput(settings),
  };
  await action.run(job);
  return EXIT.ok;
}

export const keysCommandLine = { execute };
