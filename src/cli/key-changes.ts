/** `cellos keys init`, `rotate` and `revoke`: what changes the keys of this host. */
import { CellError } from '../base/errors.ts';
import { parsePositive } from '../base/quantity.ts';
import { parseRfc3339 } from '../base/rfc3339.ts';
import { initKeys } from '../compose/first-keys.ts';
import { hasKeys, publicFileAt, writePublicFile } from '../compose/host-keys.ts';
import { applyAnswer, type KeyChange, revokeKey, rotateKeys, type Signing, signRequest } from '../compose/key-custody.ts';
import type { StateFolder } from '../compose/runs.ts';
import { boundText, isRunId, type KeyBound } from '../core/signing/key-validity.ts';
import type { KeysetKey } from '../core/signing/keyset.ts';
import type { ParsedArgs } from './command.ts';
import type { KeyJob } from './key-job.ts';
import { visible, wrap } from './render.ts';
import { STEP_DONE, STEP_NEXT } from './render-keys.ts';

const NEED_KEYS = 'this host has no keys yet; cellos keys init makes them';

function count(option: string, text: string | undefined): number {
  const value = text === undefined ? 1 : parsePositive(option, text, true);
  if (value > 16) throw new CellError('usage.invalid', `Cannot use ${option} ${value}: at most 16 root keys`);
  return value;
}

export async function init({ state, args, operands, out }: KeyJob): Promise<void> {
  if (operands.length > 0) throw new CellError('usage.invalid', 'Cannot understand what stands after init: it takes options alone');
  const place = args.text('root-out');
  const roots = count('--roots', args.text('roots'));
  const threshold = count('--threshold', args.text('threshold'));
  if (threshold > roots) throw new CellError('usage.invalid', `Cannot demand ${threshold} of ${roots} root keys: make more with --roots`);
  const files = initKeys(state, { roots, threshold, ...(place === undefined ? {} : { rootFolder: place }) });
  if (files === undefined && [place, args.text('roots'), args.text('threshold')].some((option) => option !== undefined)) {
    throw new CellError('usage.invalid', `Cannot make other keys: those in ${state.keys} are there already; move that folder away first, and give out the new root`);
  }
  if (args.flag('json')) return;
  if (files === undefined) await out.lines(['The keys of this host are there already; they are kept']);
  else {
    const [where, those] = [files.map(visible).join(', '), files.length === 1 ? 'The root key is' : 'The root keys are'];
    await out.lines([`Made the keys of this host in ${visible(state.keys)}`, `${those} in ${where}${place === undefined ? ': move it to a place that this host does not reach, and bring it for cellos keys rotate --root PATH' : ': take the folder away from this host; only cellos keys rotate and revoke need it'}`]);
  }
}

const keyJson = ({ kid, purpose, state, until }: KeysetKey): object => ({ kid, purpose, state, ...(until === undefined ? {} : { until }) });

/** Root keys at hand, or a request to those who hold them. */
function signingOf(args: ParsedArgs): Signing {
  const [roots, ask] = [args.texts('root'), args.text('ask')];
  if (ask === undefined) return { roots };
  if (roots.length > 0) throw new CellError('usage.invalid', 'Cannot both ask for signatures and sign: give one of --ask and --root');
  return { ask: (request) => writePublicFile(ask, request) };
}

const changedLines = (changed: readonly KeysetKey[]): string[] => changed.map((key) => `  ${key.purpose.padEnd(10)}  ${visible(key.kid)} is ${key.state}${key.until === undefined ? '' : ` from ${boundText(key.until)} on`}`);

/** What was asked for; nothing is in force yet. */
async function reportAsked({ args, out }: KeyJob, { epoch, changed }: KeyChange): Promise<void> {
  const file = args.text('ask') ?? '';
  if (args.flag('json')) await out.json({ v: 1, asked: file, epoch, changed: changed.map(keyJson) });
  else await out.lines([`Asked for keyset epoch ${epoch}, in ${visible(file)}; nothing has changed yet. It would say:`, ...changedLines(changed), 'Where the root keys are: cellos keys sign FILE --root PATH --out SIGNED. Then here: cellos keys apply SIGNED']);
}

export async function sign({ args, operands, out }: KeyJob): Promise<void> {
  const [file, ...more] = operands;
  const [roots, target] = [args.texts('root'), args.text('out')];
  if (file === undefined || more.length > 0 || roots.length === 0 || target === undefined) throw new CellError('usage.invalid', 'Cannot sign: give one request, as cellos keys rotate --ask writes it, where the root keys are (--root PATH), and where the answer goes (--out FILE)');
  const signed = signRequest(publicFileAt(file), roots);
  writePublicFile(target, signed.file);
  const { epoch, keysetId, signers, threshold } = signed;
  if (args.flag('json')) await out.json({ v: 1, epoch, keysetId, changed: signed.changed.map(keyJson), signers, threshold });
  else await out.lines([`Signed keyset epoch ${epoch} of ${visible(keysetId)}, into ${visible(target)}. It says:`, ...changedLines(signed.changed), signers.length < threshold ? `${signers.length} of the ${threshold} signatures it needs: have it signed by others, too` : 'It has the signatures it needs: cellos keys apply it on its host']);
}

export async function apply(job: KeyJob): Promise<void> {
  const [file, ...more] = job.operands;
  if (file === undefined || more.length > 0) throw new CellError('usage.invalid', 'Cannot apply: give the one file that cellos keys sign wrote');
  if (!hasKeys(job.state)) throw new CellError('usage.invalid', `Cannot apply a keyset: ${NEED_KEYS}`);
  await report(job, await applyAnswer(job.state, publicFileAt(file)), 'The keyset that was asked for is in force');
}

async function report({ args, out }: KeyJob, change: KeyChange, said: string, more: object = {}): Promise<void> {
  const { epoch, changed, next } = change;
  if (args.flag('json')) {
    await out.json({ v: 1, ...more, epoch, next, changed: changed.map(keyJson) });
    return;
  }
  const width = Math.min(out.width, 100);
  await out.lines([
    ...wrap(`${said}.`, width),
    ...changedLines(changed),
    `Keyset epoch ${epoch}. Give auditors the new trust file: cellos keys export`,
    ...wrap(`Next: cellos keys rotate ${STEP_NEXT[next]}.`, width),
  ]);
}

export async function rotate(job: KeyJob): Promise<void> {
  const { state, args, operands } = job;
  if (operands.length > 0) throw new CellError('usage.invalid', 'Cannot understand what stands after rotate: it goes one step on, whichever is next');
  if (!hasKeys(state)) throw new CellError('usage.invalid', `Cannot rotate the keys: ${NEED_KEYS}`);
  const done = await rotateKeys(state, signingOf(args));
  if (args.text('ask') !== undefined) await reportAsked(job, done);
  else await report(job, done, STEP_DONE[done.step], { step: done.step });
}

/** A time, or a run by its id or a part of it, and the number of a record in it. */
function boundAt(state: StateFolder, text: string): KeyBound {
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    if (parseRfc3339(text) === undefined) throw new CellError('usage.invalid', `Cannot use ${JSON.stringify(text)}: write a time like 2027-01-31T12:00:00Z, or a run and the number of a record: RUN:SEQ`);
    return { kind: 'time', time: new Date(text).toISOString() };
  }
  const [, id = '', seq = '0'] = /^([0-9a-z]+)(?::(\d{1,15}))?$/i.exec(text) ?? [];
  if (id === '') throw new CellError('usage.invalid', `Cannot use ${JSON.stringify(text)}: write a time like 2027-01-31T12:00:00Z, or a run and the number of a record: RUN:SEQ`);
  return { kind: 'run', run: isRunId(id.toLowerCase()) ? id.toLowerCase() : state.resolve(id).runId, seq: Number(seq) };
}

export async function revoke(job: KeyJob): Promise<void> {
  const { state, args, operands } = job;
  if (operands.length === 0) throw new CellError('usage.invalid', 'Cannot revoke: give the ids of keys; cellos keys list shows them');
  if (!hasKeys(state)) throw new CellError('usage.invalid', `Cannot revoke a key: ${NEED_KEYS}`);
  const from = args.text('compromised-from');
  if (args.flag('retired') === (from !== undefined)) throw new CellError('usage.invalid', 'Cannot revoke: say why, with one of --retired (it signs no more) and --compromised-from POSITION (somebody else may have signed with it)');
  const change = await revokeKey(state, signingOf(args), from === undefined ? { kids: operands, state: 'retired' } : { kids: operands, state: 'compromised', until: boundAt(state, from) });
  if (args.text('ask') !== undefined) {
    await reportAsked(job, change);
    return;
  }
  const [names, are, it] = [operands.map(visible).join(', '), operands.length === 1 ? 'is' : 'are', operands.length === 1 ? 'it' : 'they'];
  await report(job, change, from === undefined ? `${names} ${are} retired: what ${it} signed until now goes on counting, nothing later does` : `${names} ${are} compromised: auditors with the new trust file count nothing that ${it} signed from there on`);
}
