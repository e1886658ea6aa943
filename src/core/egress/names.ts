/** Host names and DNS names as the documents and the gateways compare them (reference/01 §3.1, §12; reference/04). */
import type { DnsQueryType } from '../spec/document.ts';

/** Only A–Z change: names are compared without regard to ASCII letter case and nothing else. */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

const isDnsLabel = (label: string): boolean => label.length <= 63 && /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(label);

/** A fully qualified name, or one with a first label of exactly `*`; addresses, single labels and a trailing dot are not. */
export function isHostnamePattern(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false;
  const labels = text.split('.');
  if (labels.length < 2 || labels.every((label) => /^\d+$/.test(label))) return false;
  return labels.every((label, i) => (i === 0 && label === '*') || isDnsLabel(label));
}

/**
 * A list of allowed names, made once and asked often: one look a label of the name, however long the list is. An entry `*.suffix` allows every
 * name beneath the suffix, not the suffix itself.
 */
export function hostAllowlist(entries: readonly string[]): (host: string) => boolean {
  const exact = new Set<string>();
  /** With their leading dot. */
  const suffixes = new Set<string>();
  for (const entry of entries) {
    const allowed = asciiLower(entry);
    if (allowed.startsWith('*.')) suffixes.add(allowed.slice(1));
    else exact.add(allowed);
  }
  return (host) => {
    if (host === '') return false;
    const name = asciiLower(host);
    if (exact.has(name)) return true;
    for (let dot = name.indexOf('.', 1); dot > 0; dot = name.indexOf('.', dot + 1)) if (suffixes.has(name.slice(dot))) return true;
    return false;
  };
}

/** Does any entry allow the host? */
export function matchesAllowlist(host: string, entries: readonly string[]): boolean {
  return hostAllowlist(entries)(host);
}

const QUERY_TYPES: ReadonlyMap<number, DnsQueryType> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [12, 'PTR'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
]);

/** The name of a DNS QTYPE number, for the types a document can allow. */
export function queryTypeOf(qtype: number): DnsQueryType | undefined {
  return QUERY_TYPES.get(qtype);
}
