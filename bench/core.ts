/**
 * What the pure core decides in a second, on one core: a document of 2 KB parsed and validated, signed envelopes verified, events folded, a large
 * document held against a large policy pack. Each against what it cannot do without, in turns: `JSON.parse` of the same bytes, the bare Ed25519
 * verification, reading the same members.
 *
 * Not measured: reading files.
 */
import { type Bytes, utf8 } from '../src/base/bytes.ts';
import { ed25519SigningKey, verifyEd25519 } from '../src/base/crypto.ts';
import { jsonObject } from '../src/base/json.ts';
import { parseJson } from '../src/base/json-parse.ts';
import { EVENTS } from '../src/core/events/catalogue.ts';
import type { CloudEvent } from '../src/core/events/envelope.ts';
import { canonicalEventText } from '../src/core/events/envelope-codec.ts';
import { decidePolicy } from '../src/core/policy/decision.ts';
import { policyInputOf } from '../src/core/policy/policy-input.ts';
import { parsePolicyPack } from '../src/core/policy/read-policy.ts';
import { CellProjection } from '../src/core/projection/cell-projection.ts';
import { envelopeText, parseEnvelope, signEvent, verifyEnvelope } from '../src/core/signing/envelope.ts';
import { parseSpec } from '../src/core/spec/parse.ts';
import { median } from './pairs.ts';

export interface Rate {
  readonly name: string;
  readonly perSecond: number;
  readonly baseline: string;
  readonly baselinePerSecond: number;
  readonly aim: string;
}

interface Subject {
  readonly name: string;
  readonly baseline: string;
  readonly aim: string;
  /** One of each round. */
  readonly perRound: number;
  readonly ours: (n: number) => void;
  readonly bare: (n: number) => void;
}

function perSecond(count: number, work: (n: number) => void): number {
  const from = process.cpuUsage();
  for (let n = 0; n < count; n += 1) work(n);
  const { user, system } = process.cpuUsage(from);
  return count / ((user + system) / 1e6);
}

/** By time of the processor, so that what else the machine does does not count. */
function rate({ name, baseline, aim, perRound, ours, bare }: Subject, rounds: number): Rate {
  perSecond(perRound, ours); // warm
  perSecond(perRound, bare);
  const seen = Array.from({ length: rounds }, () => [perSecond(perRound, ours), perSecond(perRound, bare)] as const);
  return { name, perSecond: median(seen.map(([a]) => a)), baseline, baselinePerSecond: median(seen.map(([, b]) => b)), aim };
}

/** A usual document, about 2 KB: egress, secrets, limits, exports, correlation. */
function document(): Bytes {
  const rules = Array.from({ length: 8 }, (_, i) => ({ host: `service-${i}.internal.example.com`, port: 443, protocol: 'tcp' }));
  const artifacts = Array.from({ length: 6 }, (_, i) => ({ name: `artifact-${i}`, path: `out/report-${i}.json`, target: 'store', contentType: 'application/json' }));
  const spec = {
    id: 'build-and-test-4711',
    correlation: { platform: 'ci', externalRunId: '123456789', externalJobId: 'job-42', tenantId: 'acme', labels: { team: 'blue', branch: 'main', commit: '0123456789abcdef0123456789abcdef01234567' } },
    placement: { poolId: 'pool-a', queueName: 'default' },
    run: { argv: ['/bin/sh', '-c', 'make -j4 all && make test && make report'], workingDirectory: '/work', timeoutMs: 600_000, limits: { memoryMaxBytes: 2_147_483_648, cpuMax: { quotaMicros: 200_000, periodMicros: 100_000 } }, secretDelivery: 'env' },
    authority: { egressRules: rules, secretRefs: ['REGISTRY_TOKEN', 'DEPLOY_KEY', 'SIGNING_KEY'] },
    lifetime: { ttlSeconds: 3600 },
    export: { artifacts, targets: [{ kind: 's3', name: 'store', bucket: 'build-artifacts', keyPrefix: 'ci/', region: 'eu-central-1' }] },
  };
  return utf8(JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec }));
}

const IDS = { cellId: 'cell-1', specId: 'spec-1', runId: 'run-1' };

/** The stream of one usual run. */
function stream(run: number): CloudEvent[] {
  const event = (id: number, type: string, data: object): CloudEvent => ({ specversion: '1.0', id: `${run}-${id}`, source: 'bench', type, data: jsonObject({ ...IDS, ...data } as Record<string, string>) }) as CloudEvent;
  return [
    event(0, EVENTS.networkScope.type, { egressRuleCount: 0 }),
    event(1, EVENTS.dnsTargetSet.type, {}),
    event(2, EVENTS.started.type, { ttlSeconds: 60 }),
    event(3, EVENTS.containerSecurity.type, {}),
    event(4, EVENTS.processSpawned.type, { program: 'sh', argc: 3 }),
    event(5, EVENTS.commandCompleted.type, { exitCode: 0, durationMs: 12 }),
    event(6, EVENTS.exportCompleted.type, { artifactName: 'a', receipt: { targetKind: 'local', targetName: null, destination: 'a', bytesWritten: 1 } }),
    event(7, EVENTS.complianceSummary.type, {}),
    event(8, EVENTS.homeostasis.type, {}),
    event(9, EVENTS.destroyed.type, { outcome: 'succeeded' }),
  ];
}

/** A pack with 4,000 patterns of hosts, every other a wildcard, and a document with 4,000 egress rules, all of which it allows. */
function policySubject(): Subject {
  const allowedEgressHosts = Array.from({ length: 4000 }, (_, i) => `${i % 2 === 0 ? '*.' : ''}zone-${i}.example.com`);
  const egressRules = Array.from({ length: 4000 }, (_, i) => ({ host: `${i % 2 === 0 ? 'a.b.' : ''}zone-${i}.example.com`, port: 443, protocol: 'tcp' }));
  const pack = JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'bench', rules: { maxLifetimeTtlSeconds: 3600, allowedEgressHosts, requireDnsEgressJustification: true } } });
  const spec = JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'bench', authority: { egressRules }, lifetime: { ttlSeconds: 60 } } });
  const [packBytes, specBytes] = [utf8(pack), utf8(spec)];
  return {
    name: 'policy checks, both files read, 4000 rules, 4000 entries',
    baseline: 'JSON.parse of both',
    aim: 'at least 20/s: 50 ms each',
    perRound: 20,
    ours: () => {
      const { verdict } = decidePolicy({ pack: parsePolicyPack(packBytes), caller: 'bench' }, policyInputOf(parseSpec(specBytes).document.spec), '');
      if (verdict !== 'admitted') throw new Error('The pack does not permit the document');
    },
    bare: () => {
      for (const text of [pack, spec]) JSON.parse(text);
    },
  };
}

function subjects(): Subject[] {
  const bytes = document();
  const text = new TextDecoder().decode(bytes);
  const key = ed25519SigningKey(new Uint8Array(32).fill(7));
  const keys = { ed25519: new Map([['k', key.publicKey]]) };
  const signed = Array.from({ length: 64 }, (_, n) => signEvent(stream(n)[6] as CloudEvent, { kid: 'k', sign: key.sign }));
  const lines = signed.map(envelopeText);
  const bodies = signed.map(({ event, signature }) => ({ message: utf8(canonicalEventText(event)), signature: new Uint8Array(Buffer.from(signature, 'base64url')) }));
  const runs = Array.from({ length: 512 }, (_, n) => stream(n));
  return [
    { name: `spec parsed and validated, ${bytes.byteLength} bytes`, baseline: 'JSON.parse', aim: 'at least 20000/s', perRound: 20_000, ours: () => void parseSpec(bytes), bare: () => void JSON.parse(text) },
    {
      name: 'signed envelopes verified',
      baseline: 'bare Ed25519 verification',
      aim: 'at least 6000/s',
      perRound: 2000,
      ours: (n) => void verifyEnvelope(parseEnvelope(parseJson(lines[n % 64] as string)), keys),
      bare: (n) => void verifyEd25519({ publicKey: key.publicKey, ...(bodies[n % 64] as (typeof bodies)[number]) }),
    },
    {
      name: 'events folded',
      baseline: 'their type compared',
      aim: 'at least 300000/s',
      perRound: 400_000,
      ours: projecting(runs),
      bare: (n) => void (runs[Math.floor(n / 10) % runs.length]?.[n % 10]?.type === EVENTS.destroyed.type),
    },
    policySubject(),
  ];
}

/** A new projection for each run of ten events. */
function projecting(runs: readonly CloudEvent[][]): (n: number) => void {
  let projection = new CellProjection();
  return (n) => {
    if (n % 10 === 0) projection = new CellProjection();
    const applied = projection.apply(runs[Math.floor(n / 10) % runs.length]?.[n % 10] as CloudEvent);
    if (applied.kind === 'refused') throw new Error(applied.message);
  };
}

export function measure(options: { rounds?: number } = {}): Rate[] {
  return subjects().map((subject) => rate(subject, options.rounds ?? 7));
}
