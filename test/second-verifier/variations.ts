/** Many small variations of one thing at a time, with no expectation but that both verifiers say the same of each. */
import { isCellError, parseTrustDocument } from '../../src/core/index.ts';
import { trustFile, type Plain } from './builder.ts';
import { type Campaign, Tally } from './campaigns.ts';
import { decided, decision } from './decisions.ts';
import { draft, INPUT, json, KEYS, keysetsOf, makeBundle, PACK, ROTATION, TRUST } from './drafts.ts';
import { canonical, isMap, type Json, readJson, Refusal } from './json.ts';
import { mutateJson, Random } from './mutate.ts';
import { decideAnew } from './policy.ts';
import { readTrust } from './trust.ts';

const PATTERNS = ['*', '*.example.com', '*.', '*.*', 'a.b', 'A.B', '', '*x', '*.é.com', '*.K.com', '*..com', '.example.com'];
const HOSTS = ['a.b', 'A.b', 'x.example.com', '.example.com', 'example.com', 'x.EXAMPLE.com', '', '*', 'É.é.com', 'x.É.com', 'x.k.com', 'x.\u212a.com', 'x..com', '.', 'x.'];
const SPACES = ['x', '', ' ', '\u00a0', '\u200b', '\ufeff', '\u0085', '\u2028', '\t\n', '\u180e', '\u3000', '\u001c', '\u000b'];
const PROTOCOLS = ['DNS-ACKNOWLEDGED', 'dns-ac\u212anowledged', ' dns-acknowledged', 'tcp', '', null];
const VERSIONS = ['1.0.0', '0.0.0', '1.0.0-a', '1.0.0-', '1.0.0-a_b', '1.0.0-..', '1.0.0--', '1.0.0-é', '1.0.0+b', '1.00.0', '1.0', '1.0.0.0', '18446744073709551615.0.0', '1.0.18446744073709551616', '-1.0.0', '', 'v1.0.0', ' 1.0.0', '1.0.0\n', '٣.0.0'];
const IDS = ['a', 'A-b_c.d', '-a', '.a', 'a..b', 'a'.repeat(128), 'a'.repeat(129), 'é', 'a b', '', 'a.'];
const VALUES: readonly (Plain | undefined)[] = [undefined, null, 0, -1, 1, 1.5, '1', true, false, [], {}, { ci: [] }, { ci: ['TOKEN'] }, { poolId: 'p' }, { poolId: 1 }, ['*'], [1], 2n ** 64n - 1n, 2n ** 53n];
const EGRESS: readonly Plain[] = [{ host: 'one.test' }, { port: 1 }, { host: 'one.test', port: 65536 }, { host: 'one.test', port: -1 }, { host: 'one.test', port: 0 }, { host: 'one.test', port: 1, protocol: 1 }, { host: 'one.test', port: 1, dnsEgressJustification: null }, { host: 'one.test', port: 1, x: 1 }, null, 'x', { host: null, port: 1 }];

type Rest = { readonly [key: string]: Plain };
type Loose = { readonly [key: string]: Plain | undefined };

const withSpec = (members: Loose): Rest => ({ pack: { ...PACK, spec: { ...PACK.spec, ...members } } as Plain });
const withRules = (members: Loose): Rest => withSpec({ rules: { ...PACK.spec.rules, ...members } as Plain });
const withInput = (members: Loose): Rest => ({ input: { ...INPUT, ...members } as Plain });
const withEgress = (rule: Plain): Rest => withInput({ egressRules: [rule] });

function decisionVariations(): Rest[] {
  return [
    ...PATTERNS.flatMap((pattern) => HOSTS.map((host) => ({ ...withRules({ allowedEgressHosts: [pattern] }), ...withEgress({ host, port: 1, protocol: null }) }))),
    ...SPACES.map((dnsEgressJustification) => withEgress({ host: 'one.test', port: 53, protocol: 'dns-acknowledged', dnsEgressJustification })),
    ...PROTOCOLS.map((protocol) => withEgress({ host: 'one.test', port: 53, protocol, dnsEgressJustification: 'x' })),
    ...VERSIONS.flatMap((version) => [true, false].map((allowDowngrade) => ({ ...withSpec({ version }), allowDowngrade }))),
    ...IDS.map((id) => withSpec({ id })),
    ...Object.keys(PACK.spec.rules).flatMap((rule) => VALUES.map((value) => withRules({ [rule]: value }))),
    ...['id', 'description', 'version', 'placement', 'more'].flatMap((member) => VALUES.map((value) => withSpec({ [member]: value }))),
    ...[...Object.keys(INPUT), 'placement', 'more'].flatMap((member) => VALUES.map((value) => withInput({ [member]: value }))),
    ...EGRESS.map(withEgress),
  ];
}

function withOutcome(rest: Rest): Json {
  const made = json(decision(rest));
  try {
    return isMap(made) ? decideAnew(made) : made;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return made;
  }
}

/** Packs and inputs, each with the decision that follows from them by the second verifier. */
export async function variedDecisions(isChosen: () => boolean): Promise<Campaign> {
  const tally = new Tally();
  for (const rest of decisionVariations()) {
    if (!isChosen()) continue;
    const files = makeBundle(draft({ events: [decided(withOutcome(rest) as Plain), { type: 'x', data: {} }] }));
    await tally.ask({ files, trust: TRUST }, () => canonical(json(rest)).toString(), 'any');
  }
  return tally;
}

const ROOT = KEYS.root.bytes.toString('base64url');
const ROOT_B = KEYS.rootB.bytes.toString('base64url');
const pinText = (members: string): string => `{"pins":[{"roots":{"a":"${ROOT}","b":"${ROOT_B}"},${members}}],"v":1}`;

const TRUST_TEXTS: readonly string[] = [
  '', '{}', '[]', 'null', '{"a":1}', `{"a":"${ROOT}"}`, `{"a":"${ROOT}","b":"${ROOT}"}`, ` {"a" : "${ROOT}"} \n`, `{"a":"${ROOT}","a":"${ROOT}"}`, `{"a":"${ROOT}="}`, `{"":"${ROOT}"}`,
  `{"a":"${KEYS.bundle.bytes.toString('base64url')}"}`, '{"pins":[],"v":1}', '{"v":1}', '{"pins":[]}', '{"pins":[],"v":2}', '{"pins":[],"v":1,"x":1}', '{"pins":[{"roots":{},"threshold":1}],"v":1}',
  ...['0', '1', '2', '3', '-1', '1.0', '"1"', 'null'].map((threshold) => pinText(`"threshold":${threshold}`)), pinText('"threshold":1,"x":1'), pinText('"threshold":1,"chain":[]'), pinText('"threshold":1,"chain":null'), pinText('"x":1'),
];

function trustFiles(seed: number): Buffer[] {
  const chain = keysetsOf(ROTATION);
  const { root, rootB, checkpoint, stranger } = KEYS;
  const whole = [trustFile([root], 1, chain), trustFile([stranger], 1, chain), trustFile([root, rootB], 2, chain), trustFile([root, checkpoint], 1, chain), trustFile([root], 1, chain.slice(1)), trustFile([root, rootB], 1)];
  const random = new Random(seed);
  const mutated = Array.from({ length: 200 }, () => canonicalOrNothing(mutateJson(random, readJson(random.pick([trustFile([root], 1, chain.slice(0, 2)), trustFile([root, rootB], 2)])))));
  return [...TRUST_TEXTS.map((text) => Buffer.from(text)), ...whole, ...mutated];
}

function canonicalOrNothing(value: Json): Buffer {
  try {
    return canonical(value);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return Buffer.alloc(0);
  }
}

function isRead(read: () => unknown, isRefusal: (error: unknown) => boolean): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}

/** Trust files, good and bad ones: both read the same. */
export function variedTrustFiles(seed: number): Campaign {
  const wrong: string[] = [];
  const files = trustFiles(seed);
  for (const file of files) {
    const first = isRead(() => parseTrustDocument(new Uint8Array(file)), isCellError);
    const second = isRead(() => readTrust(file), (error) => error instanceof Refusal);
    if (first !== second) wrong.push(`first ${first ? 'reads' : 'refuses'} ${file.toString().slice(0, 300)}`);
  }
  return { variants: files.length, wrong };
}
