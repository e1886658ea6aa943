/** Both verifiers on the same bundle. */
import { auditBundle, parseTrustDocument } from '../../src/core/index.ts';
import { readTrust } from './trust.ts';
import { type Files, type Judgement, type Options, verifyBundle } from './verify.ts';

export interface Question {
  readonly files: Files;
  /** A trust file. */
  readonly trust: Uint8Array;
  readonly options?: Options & { readonly epochSeen?: number };
}

export interface Answers {
  readonly first: Judgement;
  readonly second: Judgement;
}

function source(files: Files) {
  return {
    list: async () => [...files.keys()],
    async *open(path: string) {
      const bytes = files.get(path);
      if (bytes !== undefined && bytes.byteLength > 0) yield new Uint8Array(bytes);
    },
  };
}

const pinsOf = new Map<Uint8Array, ReturnType<typeof parseTrustDocument>>();
const ownPinsOf = new Map<Uint8Array, ReturnType<typeof readTrust>>();

function remembered<T>(store: Map<Uint8Array, T>, trust: Uint8Array, read: (bytes: Uint8Array<ArrayBuffer>) => T): T {
  const known = store.get(trust) ?? read(new Uint8Array(trust));
  store.set(trust, known);
  return known;
}

export async function askBoth({ files, trust, options = {} }: Question): Promise<Answers> {
  const { at, minEpoch, epochSeen } = options;
  const seen = epochSeen === undefined ? {} : { epochSeen };
  const pins = remembered(pinsOf, trust, parseTrustDocument).map((pin) => ({ ...pin, ...seen }));
  const report = await auditBundle(source(files), { roots: new Map(), pins, ...(at === undefined ? {} : { at }), ...(minEpoch === undefined ? {} : { epochMin: minEpoch }) });
  const first: Judgement = { verdict: report.verdict as Judgement['verdict'], ...(report.firstBadRecord === undefined ? {} : { firstBad: { seq: report.firstBadRecord.seq, line: report.firstBadRecord.line } }) };
  return { first, second: verifyBundle(files, remembered(ownPinsOf, trust, readTrust).map((pin) => ({ ...pin, ...seen })), { ...(at === undefined ? {} : { at }), ...(minEpoch === undefined ? {} : { minEpoch }) }) };
}

export function textOf({ verdict, firstBad }: Judgement): string {
  return firstBad === undefined ? verdict : `${verdict} at record ${firstBad.seq}, line ${firstBad.line}`;
}

/** @returns undefined when they say the same */
export function differenceOf({ first, second }: Answers): string | undefined {
  return textOf(first) === textOf(second) ? undefined : `first: ${textOf(first)}; second: ${textOf(second)}`;
}
