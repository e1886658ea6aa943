/** Reads ExecutionCell documents and policy packs. The YAML reader is loaded when a document is in YAML, and not before: starting fast is worth it. */
import type { Bytes } from '../base/bytes.ts';
import type { SpecDocument } from '../core/spec/document.ts';
import { parseSpec, type SpecOptions } from '../core/spec/parse.ts';
import type { PolicyReadOptions } from '../core/policy/read-document.ts';
import { type LoadedPack, parsePolicyPack } from '../core/policy/read-policy.ts';
import { sniffFormat } from '../core/spec/source.ts';

/** @throws CellError `spec.invalid` with every finding */
export async function readSpec(bytes: Bytes, options: Omit<SpecOptions, 'yaml'> = {}): Promise<SpecDocument> {
  const asked = options.format ?? 'auto';
  const format = asked === 'auto' ? sniffFormat(bytes) : asked;
  if (format === 'json') return parseSpec(bytes, { ...options, format });
  const { readYaml } = await import('../adapters/document/yaml-reader.ts');
  return parseSpec(bytes, { ...options, format, yaml: readYaml });
}

/** @throws CellError `document.invalid` with every finding */
export async function readPolicyPack(bytes: Bytes, options: Omit<PolicyReadOptions, 'reader'> & { format: 'json' | 'yaml' | 'auto' }): Promise<LoadedPack> {
  const format = options.format === 'auto' ? sniffFormat(bytes) : options.format;
  if (format === 'json') return parsePolicyPack(bytes, options);
  const { readYaml } = await import('../adapters/document/yaml-reader.ts');
  return parsePolicyPack(bytes, { ...options, reader: readYaml });
}
