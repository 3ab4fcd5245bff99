// What the public types repeat of the Rust tables, held against them by the compiler. Nothing here is in the package.

import type { ConnectParams, Delivery, ReconnectEventMap, ReconnectOptions } from "./api.js";
import type { FlinksReconnectAttributes, FlinksReconnectProperties } from "./element.js";
import type { ConnectParameter, EventName, Mode, OptionName, ReservedParameter } from "./names.js";

/** `true` when both have the same members. */
type Same<One, Other> = [One] extends [Other] ? ([Other] extends [One] ? true : false) : false;

/** Does not compile for `false`. */
type Holds<Claim extends true> = Claim;

/** The names that an interface writes out, without its index signature. */
type Written<Type> = keyof { [Name in keyof Type as string extends Name ? never : Name]: Type[Name] };

type Members<Type> = Type extends unknown ? keyof Type : never;

/** The element is the container, and its removal is the signal. */
type ElementOption = Exclude<OptionName, "container" | "signal">;

type KebabCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${KebabCase<Rest>}`
  : "";

export type Contract = [
  Holds<Same<Members<ReconnectOptions>, OptionName>>,
  Holds<Same<keyof ReconnectEventMap, EventName>>,
  Holds<Same<Delivery["mode"], Mode>>,
  Holds<Same<Written<ConnectParams>, ConnectParameter | ReservedParameter>>,
  Holds<Same<Exclude<keyof FlinksReconnectProperties, "modal" | "manual">, ElementOption>>,
  Holds<Same<keyof FlinksReconnectAttributes, Exclude<{ [Name in ElementOption]: KebabCase<Name> }[ElementOption], ElementOption>>>,
];
