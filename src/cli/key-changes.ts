/** `cellos keys init`, `rotate` and `revoke`: what changes the keys of this host. */
import { CellError } from '../base/errors.ts';
import { parsePositive } from '../base/quantity.ts';
import { parseRfc3339 } from '../base/rfc3339.ts';
import { initKeys } from '../compose/first-keys.ts';
import { hasKeys } from '../compose/host-keys.ts';
import { type KeyChange, revokeKey, rotateKeys } from '../compose/key-custody.ts';
import type { StateFolder } from '../compose/runs.ts';
import { boundText, isRunId, type KeyBound } from '../core/signing/key-validity.ts';
import type { KeysetKey } from '../core/signing/keyset.ts';
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

async function report({ args, out }: KeyJob, change: KeyChange, said: string, more: object = {}): Promise<void> {
  const { epoch, changed, next } = change;
  if (args.flag('json')) {
    await out.json({ v: 1, ...more, epoch, next, changed: changed.map(keyJson) });
    return;
  }
  const width = Math.min(out.width, 100);
  await out.lines([
    ...wrap(`${said}.`, width),
    ...changed.map((key) => `  ${key.purpose.padEnd(10)}  ${visible(key.kid)} is ${key.state}${key.until === undefined ? '' : ` from ${boundText(key.until)} on`}`),
    `Keyset epoch ${epoch}. Give auditors the new trust file: cellos keys export`,
    ...wrap(`Next: cellos keys rotate ${STEP_NEXT[next]}.`, width),
  ]);
}

export async function rotate(job: KeyJob): Promise<void> {
  const { state, args, operands } = job;
  if (operands.length > 0) throw new CellError('usage.invalid', 'Cannot understand what stands after rotate: it goes one step on, whichever is next');
  if (!hasKeys(state)) throw new CellError('usage.invalid', `Cannot rotate the keys: ${NEED_KEYS}`);
  const done = await rotateKeys(state, args.texts('root'));
  await report(job, done, STEP_DONE[done.step], { step: done.step });
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
  const change = await revokeKey(state, args.texts('root'), from === undefined ? { kids: operands, state: 'retired' } : { kids: operands, state: 'compromised', until: boundAt(state, from) });
  const [names, are, it] = [operands.map(visible).join(', '), operands.length === 1 ? 'is' : 'are', operands.length === 1 ? 'it' : 'they'];
  await report(job, change, from === undefined ? `${names} ${are} retired: what ${it} signed until now goes on counting, nothing later does` : `${names} ${are} compromised: auditors with the new trust file count nothing that ${it} signed from there on`);
}
