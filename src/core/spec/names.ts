/** Names made from the ids of a document. */

/** Longest leaf of a cgroup made from an id. */
const CGROUP_LEAF_MAX = 64;

/**
 * The reference's cgroup leaf for an id (reference/01 §12).
 * LIMIT: different ids can give one leaf; use it where the name is part of a contract, not to tell cells apart.
 */
export function cgroupLeafName(id: string): string {
  const leaf = Array.from(id).slice(0, CGROUP_LEAF_MAX).map((char) => (/^[A-Za-z0-9_-]$/.test(char) ? char : '_')).join('');
  return leaf === '' ? 'cell' : leaf;
}

/** Variables that change how programs are found or loaded, or that are our own: no secret may be delivered under such a name. */
export function isReservedVariable(name: string): boolean {
  return /^(?:PATH|HOME|TMPDIR|LD_.*|CELLOS_.*)$/.test(name);
}
