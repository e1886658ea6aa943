/** Rooms and names: every file of src/ belongs to a layer, the compiler's projects draw the same arrows as the table, names say what a file is. */
import { ARROWS, PURE, TOP_FILES } from './layers.ts';
import type { SourceTree } from './source-tree.ts';

interface Project {
  readonly compilerOptions?: { readonly types?: readonly string[]; readonly composite?: boolean };
  readonly references?: readonly { readonly path: string }[];
}

const VAGUE = /(?:^|[-/])(?:utils?|helpers?|manager|impl|misc|common)(?:[-.]|$)/;

function checkProject(tree: SourceTree, layer: string, present: readonly string[]): string[] {
  const text = tree.read(`tsconfig/${layer}.json`);
  if (text === undefined) return [`tsconfig/${layer}.json is missing: a layer is a project of the compiler`];
  const project = JSON.parse(text) as Project;
  const findings: string[] = [];
  const references = (project.references ?? []).map((reference) => reference.path.replace(/^\.\/|\.json$/g, ''));
  const allowed = ARROWS[layer] ?? [];
  for (const name of references) if (!allowed.includes(name)) findings.push(`tsconfig/${layer}.json refers to ${name}, which ${layer} may not import`);
  for (const name of allowed) if (present.includes(name) && !references.includes(name)) findings.push(`tsconfig/${layer}.json does not refer to ${name}, which ${layer} may import`);
  if (PURE.includes(layer) && project.compilerOptions?.types?.length !== 0) findings.push(`tsconfig/${layer}.json of a pure layer has to say "types": []`);
  for (const list of ['layers', 'tests']) {
    if (!(tree.read(`tsconfig/${list}.json`) ?? '').includes(`"./${layer}.json"`)) findings.push(`tsconfig/${list}.json does not build ${layer}`);
  }
  return findings;
}

export function checkLayout(tree: SourceTree): string[] {
  const present = tree.rooms.map((room) => (room.folder ? room.name : TOP_FILES[room.name])).filter((name) => name !== undefined && name in ARROWS) as string[];
  const findings = tree.rooms.filter((room) => (room.folder ? !(room.name in ARROWS) : !(room.name in TOP_FILES))).map((room) => `src/${room.name} belongs to no layer of tools/walls/layers.ts`);
  for (const layer of new Set(present)) findings.push(...checkProject(tree, layer, present));
  for (const { path } of tree.files) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|config))?\.[a-z]+$/.test(name)) findings.push(`${path} is not named in kebab-case`);
    if (VAGUE.test(name)) findings.push(`${path} does not say what it is: name it after its main symbol`);
  }
  return findings;
}
