/** Bare events, by both verifiers. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { auditEnvelopes } from '../../src/core/index.ts';
import { type BareKeys, type BareJudgement, verifyBare } from './bare.ts';
import { linesOf } from './cases.ts';
import { draft, KEYS, makeBundle } from './drafts.ts';
import { canonical, isMap, type Json, readJson, Refusal } from './json.ts';
import { mutateJson, Random } from './mutate.ts';

type Members = Record<string, any>;

const ENVELOPES = linesOf(makeBundle(draft())).map((line) => {
  const record = readJson(line);
  return canonical((isMap(record) ? record.get('envelope') : undefined) ?? null).toString();
});
const SHARED = Buffer.from('a shared secret');
const KEYRING: BareKeys = { ed25519: new Map([[KEYS.event.kid, KEYS.event.bytes]]) };
const BOTH: BareKeys = { ...KEYRING, hmac: new Map([['shared', SHARED]]) };

const parsed = (): Members => JSON.parse(ENVELOPES[1] ?? '') as Members;
const edited = (edit: (envelope: Members) => void): string => {
  const envelope = parsed();
  edit(envelope);
  return JSON.stringify(envelope);
};
const internal = (signerKid: string): string => {
  const event = canonical(readJson(Buffer.from(JSON.stringify(parsed()['event']))));
  return JSON.stringify({ ...parsed(), algorithm: 'hmac-sha256', signerKid, signature: createHmac('sha256', SHARED).update(event).digest('base64url') });
};
const wrapped = (data: unknown): string => JSON.stringify({ specversion: '1.0', id: 'w', source: 's', type: 'dev.cellos.events.signed_envelope.v1', data });

function textOf({ verdict, firstBad }: BareJudgement): string {
  return firstBad === undefined ? verdict : `${verdict} ${firstBad.seq}/${firstBad.line}`;
}

async function ask(text: string, keys: BareKeys): Promise<{ first: string; second: string }> {
  const own = (map: ReadonlyMap<string, Uint8Array> = new Map()) => new Map([...map].map(([kid, bytes]) => [kid, new Uint8Array(bytes)]));
  const { verdict, firstBadRecord } = await auditEnvelopes((async function* () { yield new Uint8Array(Buffer.from(text)); })(), { ed25519: own(keys.ed25519), hmac: own(keys.hmac) });
  const firstBad = firstBadRecord === undefined ? {} : { firstBad: { seq: firstBadRecord.seq, line: firstBadRecord.line } };
  return { first: textOf({ verdict: verdict as BareJudgement['verdict'], ...firstBad }), second: textOf(verifyBare(Buffer.from(text), keys)) };
}

const AUTHENTIC = 'authentic-unordered';
const unknown = edited((envelope) => { envelope['signerKid'] = 'unknown'; });
const CASES: readonly (readonly [name: string, text: string, verdict: string, keys?: BareKeys])[] = [
  ['all of a run', ENVELOPES.join('\n'), AUTHENTIC],
  ['backwards, one twice, with empty lines', `\n${[...ENVELOPES, ENVELOPES[0]].reverse().join('\n\n')}\n`, AUTHENTIC],
  ['nothing', '', AUTHENTIC],
  ['an unsigned event', JSON.stringify(parsed()['event']), 'tampered 0/1'],
  ['in a wrapper', wrapped(parsed()), AUTHENTIC],
  ['in two wrappers', wrapped(JSON.parse(wrapped(parsed()))), 'tampered 0/1'],
  ['as a positional array', JSON.stringify([parsed()['event'], KEYS.event.kid, 'ed25519', parsed()['signature'], null, null]), 'tampered 0/1'],
  ['in another spelling', JSON.stringify(parsed(), null, 1).replaceAll('\n', ' '), AUTHENTIC],
  ['members that are not known', edited((envelope) => { envelope['x'] = 1; envelope['event']['subject'] = 'x'; }), AUTHENTIC],
  ['a member that is null, absent', edited((envelope) => { delete envelope['event']['traceparent']; }), AUTHENTIC],
  ['a member that is a text, absent', edited((envelope) => { delete envelope['event']['id']; }), 'tampered 0/1'],
  ['an extension more', edited((envelope) => { envelope['event']['cexsessionid'] = 'x'; }), 'tampered 0/1'],
  ['an extension that is no text', edited((envelope) => { envelope['event']['cexsessionid'] = 1; }), AUTHENTIC],
  ['notBefore that is no text', edited((envelope) => { envelope['notBefore'] = 1; }), 'tampered 0/1'],
  ['padding', edited((envelope) => { envelope['signature'] += '=='; }), AUTHENTIC],
  ['the other alphabet of base64', edited((envelope) => { envelope['signature'] = Buffer.alloc(64, 251).toString('base64'); }), 'tampered 0/1'],
  ['another event', edited((envelope) => { envelope['event']['data'] = {}; }), 'tampered 0/1'],
  ['an unknown key', unknown, 'untrusted-key 0/1'],
  ['an unknown key, and no form', unknown.replace('"id"', '"ix"'), 'tampered 0/1'],
  ['a good one, an unknown key, then nothing that is one', [ENVELOPES[0], unknown, '{}'].join('\n'), 'untrusted-key 1/2'],
  ['another algorithm', edited((envelope) => { envelope['algorithm'] = 'rsa'; }), 'tampered 0/1'],
  ['an HMAC', [ENVELOPES[0], internal('shared')].join('\n'), 'untrusted-key', BOTH],
  ['an HMAC, and what is none after it', [internal('shared'), '{}'].join('\n'), 'tampered 1/2', BOTH],
  ['an HMAC under an unknown kid', internal('other'), 'untrusted-key 0/1', BOTH],
  ['an HMAC under the kid of a key', internal(KEYS.event.kid), 'tampered 0/1', BOTH],
  ['an HMAC under a kid of both kinds', internal('shared'), 'tampered 0/1', { ed25519: new Map([['shared', KEYS.root.bytes]]), hmac: new Map([['shared', SHARED]]) }],
  ['a signature under the kid of a shared key', edited((envelope) => { envelope['signerKid'] = 'shared'; }), 'untrusted-key 0/1', BOTH],
];

describe('bare events, by both verifiers', () => {
  it.each(CASES.map((one) => [`${one[0]}: ${one[2]}`, one] as const))('%s', async (_, [, text, verdict, keys = KEYRING]) => {
    expect(await ask(text, keys)).toEqual({ first: verdict, second: verdict });
  });

  const seed = Date.now() % 2 ** 31;
  it(`agree on random edits (seed ${seed})`, async () => {
    let tried = 0;
    for (let i = 0; i < 300; i += 1) {
      const random = new Random(seed + i);
      const text = textAfter(random, readJson(Buffer.from(random.pick(ENVELOPES))));
      if (text === undefined) continue;
      const { first, second } = await ask(text, BOTH);
      expect(second, `seed ${seed + i}: ${text}`).toBe(first);
      tried += 1;
    }
    expect(tried).toBeGreaterThan(250);
  });
});

function textAfter(random: Random, value: Json): string | undefined {
  try {
    return canonical(mutateJson(random, value)).toString();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return undefined;
  }
}
