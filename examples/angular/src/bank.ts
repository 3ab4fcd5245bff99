import { Component, CUSTOM_ELEMENTS_SCHEMA, signal } from "@angular/core";
import "flinks-reconnect/element";

@Component({
  selector: "app-bank",
  schemas: [CUSTOM_ELEMENTS_SCHEMA],
  template: `
    <flinks-reconnect
      [start]="'/api/connections/' + id() + '/reconnect'"
      deliver="/api/reconnects"
      (reconnected)="outcome.set($event.detail.status)"
      (failed)="outcome.set($event.detail.code)"
    ></flinks-reconnect>
    <output>{{ outcome() }}</output>
  `,
})
export class Bank {
  readonly id = signal("nightly");
  readonly outcome = signal("");
}
