// breaks arrows: arrows-base
import type { CellPlan } from '../core/plan/plan.ts';
export type Plan = CellPlan;
