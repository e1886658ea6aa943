/** `cellos policy`: what a pack says, what it says of one document, and what narrower document a run would have been fine with. Runs nothing. */
import { CellError, EXIT } from '../../base/errors.ts';
import { currentSettings } from '../../config/env.ts';
import { decidePolicy } from '../../core/policy/decision.ts';
import { effectiveRules } from '../../core/policy/effective.ts';
import { policyInputOf } from '../../core/policy/policy-input.ts';
import type { SpecDocument } from '../../core/spec/document.ts';
import type { ParsedArgs } from '../command.ts';
import { type Output, standardOutput } from '../output.ts';
import { type PackGate, policyGate } from '../policy-request.ts';
import { checkLines, effectiveTable, packLines } from '../render-policy.ts';
import { documentOf } from '../spec-request.ts';

interface Job {
  readonly args: ParsedArgs;
  readonly gate: PackGate;
  readonly document: SpecDocument | undefined;
  readonly out: Output;
}

/** What programs get of a pack. */
function packJson({ pack, caller }: PackGate): object {
  const { id, version } = pack.document.spec;
  return { id, ...(version === undefined ? {} : { version }), digest: pack.digest, fileHash: pack.fileHash, caller };
}

async function check({ args, gate, document, out }: Job): Promise<number> {
  if (document === undefined) throw new CellError('usage.invalid', 'Cannot check nothing: cellos policy check PACK DOCUMENT');
  const { spec } = document.document;
  const { verdict, applied, violations } = decidePolicy(gate, policyInputOf(spec, {}, gate.caller), document.specHash);
  if (args.flag('json')) await out.json({ v: 1, verdict, applied, violations, pack: packJson(gate), document: { id: spec.id, specHash: document.specHash } });
  else await out.lines(checkLines({ verdict, applied, violations, id: spec.id, pack: gate.pack }, { width: out.width, style: out.style }));
  return verdict === 'admitted' ? EXIT.ok : EXIT.refused;
}

async function show({ args, gate, document, out }: Job): Promise<number> {
  const input = document === undefined ? undefined : policyInputOf(document.document.spec, {}, gate.caller);
  const all = effectiveRules(gate, input);
  // Without --effective, only what the pack itself says.
  const rules = args.flag('effective') ? all : all.filter(({ source }) => source === 'pack');
  if (args.flag('json')) await out.json({ v: 1, pack: packJson(gate), rules });
  else await out.lines([...packLines(gate.pack, { width: out.width, style: out.style }), '', ...effectiveTable(rules, { width: out.width, style: out.style })]);
  return EXIT.ok;
}

async function execute(args: ParsedArgs): Promise<number> {
  const [action, path, spec, ...more] = args.positionals;
  if (action !== 'suggest' && args.texts('trust').length > 0) throw new CellError('usage.invalid', 'Cannot use --trust here: it belongs to cellos policy suggest');
  if (action !== 'show' && args.flag('effective')) throw new CellError('usage.invalid', 'Cannot use --effective here: it belongs to cellos policy show');
  // Loaded only here: the others read no evidence.
  if (action === 'suggest') return (await import('../suggest.ts')).suggest(args);
  const work = action === 'check' ? check : action === 'show' ? show : undefined;
  if (work === undefined) throw new CellError('usage.invalid', `Cannot understand cellos policy${action === undefined ? '' : ` ${JSON.stringify(action)}`}: it is check, show or suggest; see cellos policy --help`);
  if (path === undefined) throw new CellError('usage.invalid', `Cannot ${action} nothing: give a policy pack, as in cellos policy ${action} pack.json${action === 'check' ? ' job.yaml' : ''}`);
  if (more.length > 0) throw new CellError('usage.invalid', `Cannot ${action} several documents at once: give one pack and one document`);
  const gate = await policyGate(path);
  return work({ args, gate, document: spec === undefined ? undefined : await documentOf(args, spec), out: standardOutput(currentSettings()) });
}

export const policyCommandLine = { execute };
