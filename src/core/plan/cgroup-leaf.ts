/** The reference's name of a cell's cgroup (reference/01 §12). LIMIT: distinct ids can get one name. */
export function cgroupLeaf(id: string): string {
  const leaf = Array.from(id, (character) => (/[A-Za-z0-9_-]/.test(character) ? character : '_')).slice(0, 64).join('');
  return leaf === '' ? 'cell' : leaf;
}
