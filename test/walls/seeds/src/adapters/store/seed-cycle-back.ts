// breaks arrows: no-circular
import { there } from './seed-cycle-there.ts';
export const back = (): number => there();
