/** Reads ExecutionCell documents. The YAML reader is loaded when a document is in YAML, and not before: starting fast is worth it. */
import type { Bytes } from '../base/bytes.ts';
import type { SpecDocument } from '../core/spec/document.ts';
import { parseSpec, type SpecOptions } from '../core/spec/parse.ts';
import { sniffFormat } from '../core/spec/source.ts';

/** @throws CellError `spec.invalid` with every finding */
export async function readSpec(bytes: Bytes, options: Omit<SpecOptions, 'yaml'> = {}): Promise<SpecDocument> {
  const asked = options.format ?? 'auto';
  const format = asked === 'auto' ? sniffFormat(bytes) : asked;
  if (format === 'json') return parseSpec(bytes, { ...options, format });
  const { readYaml } = await import('../adapters/document/yaml-reader.ts');
  return parseSpec(bytes, { ...options, format, yaml: readYaml });
}
