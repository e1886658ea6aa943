// breaks arrows: no-circular
import { back } from './seed-cycle-back.ts';
export const there = (): number => back();
