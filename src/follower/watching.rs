//! The watch list, and the masternodes that it selects on the list of the tip.
//!
//! Never here: maintenance; what is published of a masternode.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::watch;

use crate::follower::watch_entries;
use crate::history::WatchedTarget;
use domain::entry_matches::{EntryMatches, selector_text};
use domain::event::Event;
use domain::list::MasternodeList;
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::unreadable::Unreadable;
use domain::watch::{Selector, WatchList, WatchTarget};

/// See the module.
pub(super) struct Watching {
    list: watch::Receiver<WatchList>,
    /// The last list, with the masternodes that the sources run as.
    current: WatchList,
    /// The masternodes that are watched whatever is on the list of the tip.
    named: Arc<[WatchTarget]>,
    targets: Vec<WatchTarget>,
    /// The selector that each of them was selected by last.
    selected_by: HashMap<MasternodeId, Selector>,
    /// Another watch list came since the last selection.
    is_news: bool,
    /// Something was selected since the start.
    has_selected: bool,
    /// The masternodes that the sources ran as in an earlier process.
    recalled_own: BTreeSet<MasternodeId>,
    /// The selection of an earlier process was taken over.
    is_recalled: bool,
    /// What the history has; `None` for nothing, or until it was read.
    kept: Option<Vec<WatchedTarget>>,
    /// Nothing was selected since `kept`.
    is_kept: bool,
}

impl Watching {
    /// Nothing is selected yet.
    pub(super) fn new(list: watch::Receiver<WatchList>) -> Watching {
        let current = list.borrow().clone();
        let named = current.named().into();
        Watching {
            list,
            current,
            named,
            targets: Vec::new(),
            selected_by: HashMap::new(),
            is_news: false,
            has_selected: false,
            recalled_own: BTreeSet::new(),
            is_recalled: false,
            kept: None,
            is_kept: true,
        }
    }

    /// Waits for another watch list. Fails when the sender is gone.
    pub(super) async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.list.changed().await?;
        self.take_over();
        Ok(())
    }

    /// Takes over the watch list that came last.
    fn take_over(&mut self) {
        self.is_news = true;
        let own = self.current.own().clone();
        self.current = self.list.borrow_and_update().clone().with_own(own);
        self.name();
    }

    /// Determines `named`: until something is selected, with what an earlier process selected.
    fn name(&mut self) {
        let mut named = self.current.named();
        let recalled = self.selected_by.iter().filter(|_| !self.has_selected);
        for (id, selector) in recalled {
            let is_entry = self.current.entries().iter().any(|entry| entry.selector == *selector);
            if is_entry && named.iter().all(|target| target.id != *id) {
                named.extend(self.current.target_by(selector, *id));
            }
        }
        named.sort_unstable_by_key(|target| target.id);
        self.named = named.into();
    }

    /// Whether the selection of an earlier process was taken over.
    pub(super) fn is_recalled(&self) -> bool {
        self.is_recalled
    }

    /// Takes over the selection of an earlier process, as far as the watch list still has its entries.
    pub(super) fn recall(&mut self, kept: Option<Vec<WatchedTarget>>) {
        if self.list.has_changed().unwrap_or(false) {
            self.take_over();
        }
        for WatchedTarget { id, selector, .. } in kept.iter().flatten() {
            let mut selectors = self.current.entries().iter().map(|entry| &entry.selector);
            match selectors.find(|entry| selector.as_ref().is_some_and(|text| selector_text(entry) == *text)) {
                Some(Selector::Own) => drop(self.recalled_own.insert(*id)),
                Some(selector) if self.targets.iter().all(|target| target.id != *id) => {
                    self.targets.extend(self.current.target_by(selector, *id));
                    self.selected_by.insert(*id, selector.clone());
                }
                _ => {}
            }
        }
        self.targets.sort_unstable_by_key(|target| target.id);
        (self.kept, self.is_recalled) = (kept, true);
        self.name();
        self.set_own(self.current.own().clone());
    }

    /// What the history has to record of the masternodes selected on a list; `None` if it has that, or was not read yet.
    pub(super) fn record(&mut self, list: &MasternodeList) -> Option<Vec<WatchedTarget>> {
        if self.is_kept || !self.is_recalled || self.is_hidden_in(list) {
            return None;
        }
        let selector = |target: &WatchTarget| match self.selected_by.get(&target.id)? {
            Selector::Id(_) => None,
            selector => Some(selector_text(selector)),
        };
        let record = |target: &WatchTarget| WatchedTarget {
            id: target.id,
            alias: target.alias.clone(),
            groups: target.groups.clone(),
            address: list.get(&target.id).and_then(|node| Some(node.details.address()?.into_owned())),
            selector: selector(target),
        };
        let targets: Vec<WatchedTarget> = self.targets.iter().map(record).collect();
        self.is_kept = self.kept.as_ref() == Some(&targets);
        (!self.is_kept).then_some(targets)
    }

    /// The history has these.
    pub(super) fn are_kept(&mut self, targets: Vec<WatchedTarget>) {
        (self.kept, self.is_kept) = (Some(targets), true);
    }

    /// Sets the masternodes that the sources run as. Until as many answered as in an earlier process, those of that process stay.
    /// Returns whether they changed.
    pub(super) fn set_own(&mut self, mut own: BTreeSet<MasternodeId>) -> bool {
        if own.len() < self.recalled_own.len() {
            own.extend(&self.recalled_own);
        }
        if own == *self.current.own() {
            return false;
        }
        self.current = std::mem::take(&mut self.current).with_own(own);
        self.name();
        true
    }

    /// Whether an entry selects the masternodes that the sources run as.
    pub(super) fn wants_own(&self) -> bool {
        self.current.entries().iter().any(|entry| entry.selector == Selector::Own)
    }

    /// The masternodes that are watched whatever is on the list of the tip.
    pub(super) fn named(&self) -> &Arc<[WatchTarget]> {
        &self.named
    }

    /// Selects the watched masternodes of a list. A masternode stays watched for as long as the watch list has an entry with the
    /// selector that selected it: a payee or key that changes on the chain can be a theft.
    pub(super) fn select(&mut self, list: &MasternodeList) {
        if self.list.has_changed().unwrap_or(false) {
            self.take_over();
        }
        self.is_kept = false;
        if !std::mem::replace(&mut self.has_selected, true) {
            self.name();
        }
        let is_news = std::mem::take(&mut self.is_news);
        let watch_list = &self.current;
        let mut known = std::mem::take(&mut self.targets);
        if is_news {
            let kept = |target: &WatchTarget| kept(watch_list, target, self.selected_by.get(&target.id)?);
            known = known.iter().filter_map(kept).collect();
        }
        self.targets = watch_list.resolve(list, &known);
        for id in self.targets.iter().map(|target| target.id) {
            if (is_news || !self.selected_by.contains_key(&id))
                && let Some(selector) = watch_list.selector_of(&id, list)
            {
                self.selected_by.insert(id, selector.clone());
            }
        }
    }

    /// Logs the events of watched masternodes after a list. Before the first publication, the watched ones are selected first.
    pub(super) fn log_events(&mut self, network: &str, list: &MasternodeList, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        if self.targets.is_empty() {
            self.select(list);
        }
        let target = |id: &MasternodeId| {
            let position = self.targets.binary_search_by_key(id, |target| target.id);
            position.ok().map(|position| &self.targets[position])
        };
        watch_entries::log_events(network, events, target);
    }

    /// How many masternodes of a list each entry matches at a time.
    pub(super) fn matches(&self, list: &MasternodeList, now: UnixSeconds) -> Vec<EntryMatches> {
        self.current.matches(list, &self.targets, |id| self.selected_by.get(id), now)
    }

    /// The masternodes that were selected last.
    pub(super) fn targets(&self) -> &[WatchTarget] {
        &self.targets
    }

    /// Whether a watched masternode is one of the unreadable entries of a list, so nothing may be reported about it.
    pub(super) fn is_hidden_in(&self, list: &MasternodeList) -> bool {
        self.targets.iter().any(|target| list.unreadable().has(&target.id))
    }

    /// A watched masternode whose entry is not readable, or may be one of those without a readable identity.
    pub(super) fn unreadable_in(&self, list: &MasternodeList) -> Option<MasternodeId> {
        self.hidden_in(list).first().copied()
    }

    /// A list that hides watched masternodes, with each of them among its unreadable ones. A masternode that may be an
    /// entry without a readable identity adds one entry.
    pub(super) fn with_hidden(&self, list: MasternodeList) -> MasternodeList {
        let unreadable = list.unreadable();
        let hidden = self.hidden_in(&list);
        let unnamed = hidden.iter().filter(|id| !unreadable.has(id)).count();
        let ids = unreadable.ids().iter().copied().chain(hidden).collect();
        let unreadable = Unreadable::new(ids, unreadable.entries() + unnamed);
        list.with_unreadable(unreadable)
    }

    fn hidden_in(&self, list: &MasternodeList) -> BTreeSet<MasternodeId> {
        let unreadable = list.unreadable();
        if unreadable.entries() == 0 {
            return BTreeSet::new();
        }
        // A list that came since the last selection counts already.
        let newest = self.list.has_changed().unwrap_or(false);
        let newest = newest.then(|| self.list.borrow().clone().with_own(self.current.own().clone()).named());
        let named = newest.as_deref().unwrap_or(&self.named).iter().map(|target| target.id);
        let unnamed = unreadable.unnamed() > 0;
        let is_hidden = |id: &MasternodeId| unreadable.has(id) || (unnamed && list.get(id).is_none());
        named.chain(self.targets.iter().map(|target| target.id)).filter(is_hidden).collect()
    }
}

/// A target under a new watch list that has an entry with the same selector.
fn kept(watch_list: &WatchList, target: &WatchTarget, selector: &Selector) -> Option<WatchTarget> {
    let kept = watch_list.target_by(selector, target.id)?;
    Some(WatchTarget { maintenance_until: target.maintenance_until, ..kept })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::details::DetailTexts;
    use domain::masternode::Masternode;
    use domain::samples::{list, masternode};
    use domain::watch::{WatchEntry, WatchField};

    fn entry(payee: &str, alias: &str) -> WatchEntry {
        let selector = Selector::Fields(vec![(WatchField::PayoutAddress, payee.into())]);
        WatchEntry {
            selector,
            alias: alias.into(),
            groups: [].into(),
            expectations: vec![],
            thresholds: Default::default(),
        }
    }

    fn own() -> WatchEntry {
        WatchEntry { selector: Selector::Own, ..entry("", "me") }
    }

    fn ids(watching: &Watching) -> Vec<MasternodeId> {
        watching.targets().iter().map(|target| target.id).collect()
    }

    #[test]
    fn what_was_selected_stays_watched_over_a_restart_while_its_entry_exists() {
        let paying = |payee: &str| {
            let texts = DetailTexts { payout_address: Some(payee.to_string().into()), ..DetailTexts::default() };
            list(10, vec![Masternode { details: texts.into(), ..masternode(1) }, masternode(2)])
        };
        let start = |entries: Vec<WatchEntry>, history: Option<&[WatchedTarget]>| {
            let (_, receive) = watch::channel(WatchList::new(entries));
            let mut watching = Watching::new(receive);
            watching.recall(history.map(<[_]>::to_vec));
            assert_eq!(watching.record(&paying("mine")), None, "nothing is deleted before a list was seen");
            watching
        };
        let [one, two] = [1, 2].map(domain::samples::id);
        let mut first = start(vec![entry("mine", "a"), own()], None);
        first.set_own([two].into());
        first.select(&paying("mine"));
        let history = first.record(&paying("mine")).unwrap();
        let selectors: Vec<_> = history.iter().map(|kept| kept.selector.as_deref().unwrap()).collect();
        assert_eq!(selectors, ["payout_address=mine", "self"]);
        first.are_kept(history.clone());
        first.select(&paying("mine"));
        assert_eq!(first.record(&paying("mine")), None);

        let mut second = start(vec![entry("mine", "a"), own()], Some(&history));
        let named = |watching: &Watching| watching.named().iter().map(|target| target.id).collect::<Vec<_>>();
        assert_eq!(named(&second), [one, two], "before any source answers");
        assert_eq!(named(&start(vec![entry("other", "b")], Some(&history))), []);
        second.set_own(BTreeSet::new());
        second.select(&paying("thief"));
        assert_eq!(ids(&second), [one, two], "stolen, and its node does not answer");
        assert_eq!(second.record(&paying("thief")), None);

        let mut third = start(vec![entry("other", "b")], Some(&history));
        third.select(&paying("thief"));
        assert_eq!(ids(&third), []);
        assert_eq!(third.record(&paying("thief")), Some(vec![]), "the entries were removed");
        let mut unmatched = start(vec![entry("other", "b")], None);
        unmatched.select(&paying("thief"));
        assert_eq!(unmatched.record(&paying("thief")), Some(vec![]), "that nobody is selected is recorded too");
    }

    #[test]
    fn a_masternode_whose_payee_was_stolen_stays_watched_over_reloads_that_keep_its_entry() {
        let paying = |payee: &str| {
            let texts = DetailTexts { payout_address: Some(payee.to_string().into()), ..DetailTexts::default() };
            list(10, vec![Masternode { details: texts.into(), ..masternode(1) }])
        };
        let (send, receive) = watch::channel(WatchList::new(vec![entry("mine", "a")]));
        let mut watching = Watching::new(receive);
        watching.select(&paying("mine"));
        let mut aliases = |entries: Vec<WatchEntry>| {
            send.send_replace(WatchList::new(entries));
            watching.select(&paying("thief"));
            watching.targets().iter().map(|target| target.alias[..1].to_string()).collect::<Vec<_>>()
        };
        assert_eq!(aliases(vec![entry("mine", "a"), entry("other", "b")]), ["a"]);
        assert_eq!(aliases(vec![entry("mine", "c")]), ["c"], "the entry was renamed");
        assert_eq!(aliases(vec![entry("other", "b")]), [""; 0], "the entry was removed");
    }
}
