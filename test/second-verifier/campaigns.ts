/** Small edits of a bundle, all of them or a seeded part: both verifiers have to say the same, and neither that it is whole. */
import { linesOf, withFiles, withLines } from './cases.ts';
import { askBoth, differenceOf, type Question } from './differ.ts';
import { Random } from './mutate.ts';
import type { Files } from './verify.ts';

export interface Campaign {
  readonly variants: number;
  /** One line each; empty when both agree everywhere. */
  readonly wrong: readonly string[];
}

const WHOLE = ['complete', 'complete-with-declared-gaps'];
const WRONG_MAX = 20;

export class Tally implements Campaign {
  variants = 0;
  readonly wrong: string[] = [];

  async ask(question: Question, what: () => string, edited: 'edited' | 'any' = 'edited'): Promise<void> {
    this.variants += 1;
    const answers = await askBoth(question);
    const difference = differenceOf(answers) ?? (edited === 'edited' && WHOLE.includes(answers.second.verdict) ? `both: ${answers.second.verdict}` : undefined);
    if (difference !== undefined && this.wrong.length < WRONG_MAX) this.wrong.push(`${what()}: ${difference}`);
  }
}

/** Which of the many edits are tried: all, or about one in `of`, chosen by a seed. */
export type Part = 'all' | { readonly seed: number; readonly of: number };

export function chooser(part: Part): () => boolean {
  if (part === 'all') return () => true;
  const random = new Random(part.seed);
  return () => random.below(part.of) === 0;
}

/** Every byte of every file, to two other values. */
export async function changedBytes(files: Files, trust: Uint8Array, part: Part): Promise<Campaign> {
  const tally = new Tally();
  const isChosen = chooser(part);
  for (const [path, bytes] of files) {
    for (const [at, byte] of bytes.entries()) {
      for (const value of [byte ^ 1, byte === 10 ? 32 : 10]) {
        if (!isChosen()) continue;
        const copy = Buffer.from(bytes);
        copy[at] = value;
        await tally.ask({ files: withFiles(files, { [path]: copy }), trust }, () => `${path}, byte ${at} to ${value}`);
      }
    }
  }
  return tally;
}

/** The records cut at every byte, and every other file too; with the attestation and without. */
export async function cutFiles(files: Files, trust: Uint8Array, part: Part): Promise<Campaign> {
  const tally = new Tally();
  const isChosen = chooser(part);
  for (const [path, bytes] of files) {
    for (let kept = 0; kept < bytes.byteLength; kept += 1) {
      for (const attested of path === 'records.jsonl' ? [true, false] : [true]) {
        if (isChosen()) await tally.ask({ files: withFiles(files, { [path]: bytes.subarray(0, kept), ...(attested ? {} : { 'attestation.dsse.json': undefined }) }), trust }, () => `${path} cut to ${kept}, attested ${attested}`);
      }
    }
  }
  return tally;
}

/** Every line removed, repeated at every place, swapped with every other, and exchanged with those of another run. */
export async function movedLines(files: Files, other: Files, trust: Uint8Array): Promise<Campaign> {
  const tally = new Tally();
  const [lines, foreign] = [linesOf(files), linesOf(other)];
  const ask = async (edited: readonly Buffer[], what: string): Promise<void> => {
    for (const attested of [true, false]) await tally.ask({ files: withFiles(withLines(files, edited), attested ? {} : { 'attestation.dsse.json': undefined }), trust }, () => `${what}, attested ${attested}`);
  };
  for (const [i, line] of lines.entries()) {
    await ask(lines.toSpliced(i, 1), `without record ${i}`);
    for (let j = 0; j <= lines.length; j += 1) await ask(lines.toSpliced(j, 0, line), `record ${i} again at ${j}`);
    for (const [j, second] of lines.entries()) if (j > i) await ask(lines.with(i, second).with(j, line), `records ${i} and ${j} swapped`);
    for (const [j, taken] of foreign.entries()) {
      await ask(lines.with(i, taken), `record ${j} of another run in place of ${i}`);
      await ask(lines.toSpliced(i, 0, taken), `record ${j} of another run put in at ${i}`);
    }
  }
  return tally;
}

/** Files missing, emptied, added, renamed; and every mixture of the files of two runs of the same host. */
export async function exchangedFiles(files: Files, other: Files, trust: Uint8Array): Promise<Campaign> {
  const tally = new Tally();
  for (const [path, bytes] of files) {
    await tally.ask({ files: withFiles(files, { [path]: undefined }), trust }, () => `without ${path}`);
    if (bytes.byteLength > 0) await tally.ask({ files: withFiles(files, { [path]: '' }), trust }, () => `${path} emptied`);
    await tally.ask({ files: withFiles(files, { [path]: undefined, [`${path}.old`]: bytes }), trust }, () => `${path} renamed`);
    await tally.ask({ files: withFiles(files, { [`${path}.copy`]: bytes }), trust }, () => `${path} twice`);
    await tally.ask({ files: withFiles(files, { [`${path}/`]: '' }), trust }, () => `${path} as something that is no file`);
  }
  const differing = [...new Set([...files.keys(), ...other.keys()])].filter((path) => !Buffer.from(files.get(path) ?? '\0').equals(other.get(path) ?? Buffer.from('\0')));
  for (let mixture = 1; mixture < 2 ** differing.length - 1; mixture += 1) {
    const taken = differing.filter((_, i) => (mixture >> i) & 1);
    await tally.ask({ files: withFiles(files, Object.fromEntries(taken.map((path) => [path, other.get(path)]))), trust }, () => `taken from the other run: ${taken.join(', ')}`);
  }
  return tally;
}
