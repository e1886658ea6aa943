/** `cellos plan`: asked beside enforced, without running anything. */
import { EXIT } from '../../base/errors.ts';
import { hostFacts, planRun } from '../../compose/local.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { type Output, standardOutput } from '../output.ts';
import { commandText } from '../render.ts';
import { planReasons, planTable } from '../render-plan.ts';
import { type CliRequest, requestOf } from '../request.ts';

/** Prints the plan of a request. @returns 0, or 121 when this host cannot run it as asked */
export async function printPlan(request: CliRequest, out: Output, json: boolean): Promise<number> {
  const planned = planRun(request, hostFacts(currentSettings()));
  const code = planned.kind === 'planned' ? EXIT.ok : EXIT.unsatisfiable;
  if (json) {
    await out.json(planned.kind === 'planned' ? planned.plan : { v: 1, kind: 'unsatisfiable', items: planned.items, missing: planned.missing });
    return code;
  }
  const items = planned.kind === 'planned' ? planned.plan.items : planned.items;
  const options = { width: out.width, style: out.style };
  const argv = request.document.document.spec.run?.argv ?? [];
  const allowed = request.asks.allowDowngrade;
  await out.lines([`${out.style.bold('Command')}  ${commandText(argv)}`, '', ...planTable(items, options), ...planReasons(items, { ...options, allowed }), '', planned.kind === 'planned' ? 'Nothing was run: this is what cellos run would enforce.' : 'Nothing was run.']);
  return code;
}

async function execute(args: ParsedArgs): Promise<number> {
  return printPlan(await requestOf(args, 'plan'), standardOutput(currentSettings()), args.flag('json'));
}

export const planCommandLine = { execute };
