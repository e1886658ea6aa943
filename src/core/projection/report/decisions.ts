/** What policy decided about a run, as its records tell it. The audit decides again; this is for reading. */
import type { EVENTS } from '../../events/catalogue.ts';
import type { ViewedRecord } from '../viewed-record.ts';
import { defined, objectOf, objectsOf, textOf } from './read-data.ts';
import type { RunFacts } from './run-facts.ts';

export interface ReportDecision {
  /** Number of its record. */
  readonly seq: number;
  /** What decided: a pack, an authorization policy, a ceiling, admission itself. */
  readonly by: string;
  readonly verdict: 'admitted' | 'refused' | 'unknown';
  /** Did the scope of the pack cover the document? */
  readonly applied?: boolean;
  readonly packDigest?: string;
  readonly packFileHash?: string;
  /** In whose name it was asked. */
  readonly caller?: string;
  readonly violations: readonly { readonly rule: string; readonly where: string }[];
}

function packDecision({ seq, data }: ViewedRecord): ReportDecision {
  const decision = objectOf(data['decision']);
  const spec = objectOf(objectOf(decision['pack'])['spec']);
  const id = textOf(spec['id']);
  const version = textOf(spec['version']);
  const authorization = decision['authorization'] !== undefined;
  const verdict = textOf(decision['verdict']);
  return {
    seq,
    by: [...(authorization ? ['an authorization policy'] : []), ...(id === undefined ? [] : [`the pack ${id}${version === undefined ? '' : ` ${version}`}`])].join(' and ') || 'nothing that the record holds',
    verdict: verdict === 'admitted' || verdict === 'refused' ? verdict : 'unknown',
    ...defined({
      applied: typeof decision['applied'] === 'boolean' ? decision['applied'] : undefined,
      packDigest: textOf(decision['packDigest']),
      packFileHash: textOf(decision['packFileHash']),
      caller: textOf(objectOf(decision['input'])['caller']),
    }),
    violations: objectsOf(decision['violations']).map((violation) => ({ rule: textOf(violation['rule']) ?? '?', where: textOf(violation['path']) ?? '?' })),
  };
}

function refusal({ seq, data }: ViewedRecord): ReportDecision {
  return { seq, by: 'admission', verdict: 'refused', violations: objectsOf(data['violations']).map((violation) => ({ rule: textOf(violation['rule']) ?? '?', where: textOf(violation['message']) ?? '?' })) };
}

const GATES = [
  ['policyRejected', 'the policy pack', 'refused'],
  ['authzRejected', 'the authorization policy', 'refused'],
  ['admissionRejected', 'the authority ceiling', 'refused'],
  ['admissionAllowed', 'the authority ceiling', 'admitted'],
] as const satisfies readonly (readonly [keyof typeof EVENTS, string, ReportDecision['verdict']])[];

/** In the order of their records. */
export function decisionsOf(facts: RunFacts): readonly ReportDecision[] {
  const gates = GATES.flatMap(([name, by, verdict]) => facts.all(name).map(({ seq, data }): ReportDecision => ({ seq, by, verdict, violations: objectsOf(data['violations']).map((violation) => ({ rule: textOf(violation['rule']) ?? '?', where: textOf(violation['message']) ?? textOf(violation['path']) ?? '?' })) })));
  return [...facts.all('policyDecided').map(packDecision), ...facts.all('admissionRefused').map(refusal), ...gates].sort((a, b) => a.seq - b.seq);
}
