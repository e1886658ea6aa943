/**
 * The part of planning that says what becomes of each thing a document asks and nobody here can give: one row a thing.
 * Nothing asked is dropped in silence [P2].
 */
import type { ExecutionCellSpec } from '../spec/document.ts';
import type { RunAsks } from './asks.ts';
import type { PlanItem } from './plan.ts';

/** An item that is not met unless the caller allows its name. */
export function unmet(input: { name: string; asked: string; without: string; reason: string }, allowed: ReadonlySet<string>): PlanItem {
  const status = allowed.has(input.name) ? 'downgraded' : 'unsatisfiable';
  return { name: input.name, asked: input.asked, effective: input.without, mechanism: '', status, reason: input.reason };
}

export function enforced(name: string, asked: string, effective: string, mechanism: string): PlanItem {
  return { name, asked, effective, mechanism, status: 'enforced' };
}

function declared(name: string, asked: string): PlanItem {
  return { name, asked, effective: 'recorded', mechanism: '', status: 'declared' };
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Everything of the document that concerns back ends which do not exist on this tier yet, and what is only attribution. */
export function documentItems(spec: ExecutionCellSpec, allowed: ReadonlySet<string>, { hostView: view, settled }: Pick<RunAsks, 'hostView' | 'settled'>): PlanItem[] {
  const items: PlanItem[] = [];
  const add = (name: string, asked: string, without: string, reason: string): void => {
    const how = settled?.get(name);
    items.push(how === undefined ? unmet({ name, asked, without, reason }, allowed) : enforced(name, asked, how, 'supervisor'));
  };
  const { authority } = spec;
  const network = view?.network === 'host' ? "the host's network, unrestricted" : 'no network but loopback';
  const folders = view === undefined ? 'the default mounts' : "the host's file system";
  const rules = authority.egressRules ?? [];
  if (rules.length > 0) {
    const hosts = rules.map((rule) => `${rule.host}:${rule.port}`).slice(0, 8);
    add('network.egress', `${plural(rules.length, 'egress rule')}: ${hosts.join(', ')}${rules.length > 8 ? ', …' : ''}`, network, 'This backend gives a cell no way out of its own network namespace yet: remove the rules, or allow the narrower cell');
  }
  if (authority.network !== undefined) add('authority.network', 'an opaque network authority', network, 'Nothing here interprets authority.network: use egressRules, or allow the narrower cell');
  if (authority.filesystem !== undefined) add('authority.filesystem', 'an opaque filesystem authority', folders, 'Nothing here interprets authority.filesystem: use --ro, --rw or --workspace, or allow the default mounts');
  if (authority.dnsAuthority !== undefined) add('network.dns', 'a DNS authority', view?.network === 'host' ? "the host's resolver" : 'no resolver', 'No resolver is offered to a cell yet');
  if (authority.cdnAuthority !== undefined) add('network.cdn', 'a CDN authority', network, 'No gateway checks CDN providers yet');
  if (authority.authorityDerivation !== undefined) add('authority.derivation', 'a derivation token', 'the token is not checked', 'Derivation tokens are not verified by this program yet: remove the token, or allow an unverified one');
  if (spec.telemetry !== undefined) add('telemetry', `${plural(spec.telemetry.events.length, 'guest event')} over ${spec.telemetry.channel}`, 'no guest telemetry', 'This backend runs no telemetry agent in the cell');
  if (spec.ingress?.git !== undefined) add('ingress.git', 'a git checkout', 'nothing is fetched', 'Fetch the sources first and give them with --workspace or --ro');
  if (spec.ingress?.ociImage !== undefined) add('ingress.ociImage', `the image ${spec.ingress.ociImage.reference}`, "the host's system folders", 'This backend runs no images');
  if (spec.environment !== undefined) add('environment.image', `the image ${spec.environment.imageReference}`, "the host's system folders", 'This backend runs no images: remove spec.environment, or allow the host\'s own folders');
  for (const target of spec.export?.targets ?? []) {
    add(`export.target.${target.name}`, `an ${target.kind} export target`, 'artifacts stay in the bundle', `No ${target.kind} export exists yet: leave the target out, or allow artifacts to stay in the bundle`);
  }
  if (spec.placement !== undefined) items.push(declared('placement', Object.entries(spec.placement).map(([key, value]) => `${key}=${String(value)}`).join(' ')));
  if (spec.policy !== undefined) items.push(declared('policy.reference', [spec.policy.packId, spec.policy.packVersion].filter((part) => part !== undefined).join(' ')));
  if (spec.correlation !== undefined) items.push(declared('correlation', 'attribution'));
  return items;
}
