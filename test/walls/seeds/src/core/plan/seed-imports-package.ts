// breaks arrows: pure-no-package
import { parse } from 'yaml';
export const read = parse;
