/** A policy pack named on the command line: read, checked, and joined with who asks. */
import { readPolicyPack } from '../compose/documents.ts';
import { currentSettings } from '../config/env.ts';
import type { PolicyGate } from '../core/policy/decision.ts';
import { callerOf } from '../core/policy/policy-input.ts';
import { allowsDowngrade } from '../core/policy/policy-version.ts';
import type { LoadedPack } from '../core/policy/read-policy.ts';
import { formatOf, readDocument } from './spec-request.ts';

export type PackGate = PolicyGate & { readonly pack: LoadedPack };

/** @throws CellError `spec.unreadable` | `document.invalid` */
export async function policyGate(path: string): Promise<PackGate> {
  const { callerIdentity, policyAllowDowngrade } = currentSettings();
  const pack = await readPolicyPack(readDocument(path), { name: path, format: formatOf(path), allowDowngrade: allowsDowngrade(policyAllowDowngrade) });
  return { pack, caller: callerOf(callerIdentity) };
}
