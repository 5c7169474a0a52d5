"""The whole world of one run: five services, the log between them, everybody outside, and one scheduler."""

from collections.abc import Mapping
from functools import partial

from packhorse_chassis.core.kinds import Internal
from packhorse_notification.messages import SendMail
from packhorse_payment.operations import AskGateway

from packhorse_simulation.effects import Outside
from packhorse_simulation.faults import Chance
from packhorse_simulation.log import Log
from packhorse_simulation.node import Node, Watch
from packhorse_simulation.operator import BUG, Operator
from packhorse_simulation.outsiders.business import Business
from packhorse_simulation.outsiders.carrier import Carrier
from packhorse_simulation.outsiders.floor import Floor
from packhorse_simulation.outsiders.gateway import Gateway, Payments
from packhorse_simulation.outsiders.mail import MailServer
from packhorse_simulation.outsiders.shop import Shop
from packhorse_simulation.outsiders.voice import Voice
from packhorse_simulation.outsiders.warehouse import Warehouse
from packhorse_simulation.scenario import Scenario
from packhorse_simulation.scheduler import Scheduler
from packhorse_simulation.services import CHECKS, routes
from packhorse_simulation.transaction import Work
from packhorse_simulation.trials import Trials
from packhorse_simulation.witness import Witness

HEALED_AFTER, HORIZON = 6 * 3_600.0, 90 * 86_400.0
"""Seconds: when nothing goes wrong any more, and when everything has had time to end."""


class World:
    """Made for one scenario, lived through once. `see` is shown every commit."""

    def __init__(self, scenario: Scenario, see: Watch = lambda _node, _work: None) -> None:
        self.scenario, self._see = scenario, see
        scheduler = self.scheduler = Scheduler(scenario.seed, scenario.pace)
        chance = self.chance = Chance(scheduler, scenario.rates, scenario.spared)
        self.log = Log(lambda: scheduler.now)
        self.gateway, self.mail = Gateway(scheduler, chance), MailServer(chance)
        self.dead_at: dict[str, float] = {}
        """When each dead letter was written, in seconds of the simulation."""

        self.operator, self.witness, self.trials = Operator(scheduler, chance), Witness(), Trials()
        outside: Mapping[str, Mapping[type[Internal], Outside]] = {
            "payment": {AskGateway: Payments(self.gateway)},
            "notification": {SendMail: self.mail},
        }
        self.nodes = {
            name: Node(
                scheduler,
                self.log,
                chance,
                table,
                outside=outside.get(name),
                checks=CHECKS,
                wire=scenario.wire,
                watch=self._watch,
                fails=partial(self.operator.fails, name) if chance.threatens(BUG) else None,
            )
            for name, table in routes().items()
        }
        voice = self.voice = Voice(scheduler, self.log, chance, wire=scenario.wire)
        carrier = self.carrier = Carrier(scheduler, chance, voice)
        floor = self.floor = Floor()
        self.warehouse = Warehouse(scheduler, self.log, chance, voice, carrier, floor)
        self.shop = Shop(scheduler, chance, voice, scenario.population, floor)
        self.business = Business(scheduler, voice, scenario.seed)

    def live(self) -> None:
        """From the first order to the end of the last one."""
        self.shop.stock_up(len(self.scenario.orders))
        self.shop.open(self.scenario.orders, self.scenario.rush)
        self.business.open()
        self.scheduler.run(HEALED_AFTER)
        self.chance.healed = True
        for node in self.nodes.values():
            node.set_clock(0.0)
        self.scheduler.run(HORIZON)

    def forget(self) -> None:
        """Comes apart. A world is full of circles; the collector would spend a tenth of the time on finding them."""
        for part in (*self.nodes.values(), *vars(self).values(), self):
            if hasattr(part, "__dict__"):
                vars(part).clear()

    def _watch(self, node: Node, work: Work) -> None:
        self.witness.see(node, work)
        self.trials.see(node, work)
        self._see(node, work)
        if work.outcome.dead:
            self.operator.see(node, work)
            self.dead_at.update((letter.id, self.scheduler.now) for letter in work.outcome.dead)
