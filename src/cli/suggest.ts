/** `cellos policy suggest`: the narrower document that a run would have been fine with, from evidence that verifies. */
import { utf8 } from '../base/bytes.ts';
import { compactText } from '../base/canonical-json.ts';
import { assert, CellError, EXIT } from '../base/errors.ts';
import { auditAt, trustOf } from '../compose/audit.ts';
import { reportAt } from '../compose/run-reports.ts';
import { currentSettings } from '../config/env.ts';
import type { RunReport } from '../core/projection/report/report-model.ts';
import { observedUse } from '../core/projection/suggest/observed-use.ts';
import { rebuiltDocument } from '../core/projection/suggest/rebuilt-document.ts';
import { suggestedOptions } from '../core/projection/suggest/suggest-options.ts';
import { suggestSpec } from '../core/projection/suggest/suggest-spec.ts';
import type { ExecutionCellDocument } from '../core/spec/document.ts';
import { checkSpec } from '../core/spec/parse.ts';
import type { ParsedArgs } from './command.ts';
import { oneBundle } from './one-bundle.ts';
import { stateOnDemand } from './one-run.ts';
import { standardError, standardOutput } from './output.ts';
import { documentJson, reasonLines, suggestionYaml } from './render-suggest.ts';
import { documentOf } from './spec-request.ts';

/** Of the timeline nothing is needed here. */
const TIMELINE_MAX = 1;

/** The one that was asked: given and held against the digest of the evidence, or made again. @throws CellError `usage.invalid` | those of reading a document */
async function askedDocument(args: ParsedArgs, report: RunReport, path: string | undefined): Promise<ExecutionCellDocument> {
  const { id, canonicalSpecHash } = report.run;
  if (path === undefined) {
    const rebuilt = rebuiltDocument(report);
    if (rebuilt !== undefined) return rebuilt;
    throw new CellError('usage.invalid', `Cannot tell what run ${id} was asked: its evidence names the document by its digest only, and the records do not give it again; give the document as well: cellos policy suggest ${id} DOCUMENT`);
  }
  const { document, specHash } = await documentOf(args, path);
  if (specHash !== canonicalSpecHash) throw new CellError('usage.invalid', `Cannot suggest from ${path}: it is not the document of run ${id}, whose digest is ${canonicalSpecHash ?? 'not on the record'}; this one is ${specHash}`);
  return document;
}

export async function suggest(args: ParsedArgs): Promise<number> {
  const [, run, path, ...more] = args.positionals;
  if (run === undefined || more.length > 0) throw new CellError('usage.invalid', 'Cannot suggest: give one run, or the path of one bundle, and perhaps its document, as in cellos policy suggest 01m88a7p job.yaml');
  const settings = currentSettings();
  const state = stateOnDemand(settings.stateDir);
  const bundle = oneBundle({ ...args, positionals: [run] }, state);
  if (bundle.run?.state === 'running') throw new CellError('run.busy', `Cannot suggest from run ${bundle.run.runId}: it is going on, and what it is going to use is not known`, { facts: { runId: bundle.run.runId } });
  const audited = await auditAt(bundle.path, trustOf(args.texts('trust'), state, settings.stateDir));
  const { verdict, exitCode, findings } = audited.report;
  if (exitCode !== EXIT.ok) throw new CellError('evidence.invalid', `Cannot suggest from ${bundle.where}: its evidence is ${verdict}${findings[0] === undefined ? '' : ` (${findings[0]})`}; cellos verify says more`, { facts: { exit: exitCode } });
  const report = await reportAt(bundle.path, { where: bundle.where, audited, timelineMax: TIMELINE_MAX, ...(bundle.run === undefined ? {} : { known: bundle.run }) });
  const observed = observedUse(report);
  const suggestion = suggestSpec(await askedDocument(args, report, path), observed);
  const page = { report, suggestion, options: suggestedOptions(report, observed, suggestion.document) };
  const json = documentJson(suggestion.document);
  assert(checkSpec(utf8(compactText(json)), { format: 'json', mode: args.flag('compatible') ? 'compatible' : 'strict' }).kind === 'ok', 'what is narrower than a valid document is valid'); // SU3
  const out = standardOutput(settings);
  if (!args.flag('json')) {
    await out.lines(suggestionYaml(page));
    return EXIT.ok;
  }
  await out.write(`${compactText(json)}\n`);
  const err = standardError(settings);
  await err.lines(reasonLines(page, err.width));
  return EXIT.ok;
}
