/** Which documents a policy pack is about (reference/01 §5.4). */
import type { PlacementSpec } from '../spec/document.ts';

/** Every member of the scope has to be the document's own, letter for letter; a scope without members is about every document. */
export function matchesScope(placement: PlacementSpec | undefined, scope: PlacementSpec | undefined): boolean {
  return (['poolId', 'kubernetesNamespace', 'queueName'] as const).every((key) => scope?.[key] === undefined || placement?.[key] === scope[key]);
}
