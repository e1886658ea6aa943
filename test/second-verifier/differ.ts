/** Both verifiers on the same bundle. */
import { auditBundle, type BundleSource, parseTrustDocument } from '../../src/core/index.ts';
import { readTrust } from './trust.ts';
import { type Files, type Judgement, type Options, verifyBundle } from './verify.ts';

export interface Question {
  /** undefined: something in it is no regular file; only a bundle of its own tells the first verifier of it. */
  readonly files: Files | undefined;
  /** A trust file. */
  readonly trust: Uint8Array;
  readonly options?: Options & { readonly epochSeen?: number };
}

/** Instead of a verdict: the first verifier threw something that is no answer. */
export const CRASHED = 'crashed';

export interface Answers {
  readonly first: Omit<Judgement, 'verdict'> & { readonly verdict: Judgement['verdict'] | typeof CRASHED; readonly crash?: string };
  readonly second: Judgement;
}

function source(files: Files = new Map()): BundleSource {
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

async function askFirst(bundle: BundleSource, { trust, options = {} }: Question): Promise<Answers['first']> {
  const { at, minEpoch, epochSeen } = options;
  const pins = remembered(pinsOf, trust, parseTrustDocument).map((pin) => ({ ...pin, ...(epochSeen === undefined ? {} : { epochSeen }) }));
  try {
    const { verdict, firstBadRecord } = await auditBundle(bundle, { roots: new Map(), pins, ...(at === undefined ? {} : { at }), ...(minEpoch === undefined ? {} : { epochMin: minEpoch }) });
    return { verdict: verdict as Judgement['verdict'], ...(firstBadRecord === undefined ? {} : { firstBad: { seq: firstBadRecord.seq, line: firstBadRecord.line } }) };
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return { verdict: CRASHED, crash: error.message };
    throw error;
  }
}

/** @param bundle how the first verifier reads it; default: from `files` too */
export async function askBoth(question: Question, bundle: BundleSource = source(question.files)): Promise<Answers> {
  const { files, trust, options = {} } = question;
  const { epochSeen } = options;
  const pins = remembered(ownPinsOf, trust, readTrust).map((pin) => ({ ...pin, ...(epochSeen === undefined ? {} : { epochSeen }) }));
  return { first: await askFirst(bundle, question), second: verifyBundle(files, pins, options) };
}

export function textOf({ verdict, firstBad }: Answers['first']): string {
  return firstBad === undefined ? verdict : `${verdict} at record ${firstBad.seq}, line ${firstBad.line}`;
}

/** @returns undefined when they say the same */
export function differenceOf({ first, second }: Answers): string | undefined {
  return textOf(first) === textOf(second) ? undefined : `first: ${textOf(first)}; second: ${textOf(second)}`;
}
