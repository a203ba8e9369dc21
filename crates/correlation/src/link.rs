//! The decision which entity an event belongs to.

use jobzy_ids::EntityId;

use crate::ExternalId;

/// What is to be done with the ids of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// No id is known: make an entity and bind all of them to it.
    Create,
    /// All known ids name this entity: bind the others to it too.
    Attach(EntityId),
    /// The known ids name several entities. The event belongs to the first named one, unknown ids are
    /// bound to it, and each id in `contradicting` stays where it is and is recorded.
    Conflict {
        /// The entity of the first known id.
        entity: EntityId,
        /// Ids bound elsewhere, with where.
        contradicting: Vec<(ExternalId, EntityId)>,
    },
}

/// Decides by what each id of the event is bound to now. The order of the ids matters only in a conflict:
/// the first known one names the entity, so an event's sender puts its anchor first.
#[must_use]
pub fn decide(ids: &[(ExternalId, Option<EntityId>)]) -> Decision {
    let Some(entity) = ids.iter().find_map(|(_, bound)| *bound) else {
        return Decision::Create;
    };
    let elsewhere = |(id, bound): &(ExternalId, Option<EntityId>)| {
        bound.filter(|bound| *bound != entity).map(|bound| (id.clone(), bound))
    };
    let contradicting: Vec<_> = ids.iter().filter_map(elsewhere).collect();
    if contradicting.is_empty() {
        Decision::Attach(entity)
    } else {
        Decision::Conflict { entity, contradicting }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, decide};
    use crate::ExternalId;
    use jobzy_ids::EntityId;
    use proptest::prelude::*;

    fn id(number: usize) -> ExternalId {
        ExternalId::new("test", "thing", format!("t{number}")).unwrap()
    }

    fn entity(number: u8) -> EntityId {
        EntityId::from_bytes([number; 16])
    }

    #[test]
    fn unknown_ids_make_an_entity_and_known_ones_name_it() {
        assert_eq!(decide(&[(id(1), None), (id(2), None)]), Decision::Create);
        assert_eq!(decide(&[(id(1), None), (id(2), Some(entity(7)))]), Decision::Attach(entity(7)));
    }

    #[test]
    fn a_binding_is_never_moved() {
        let decision = decide(&[(id(1), Some(entity(1))), (id(2), None), (id(3), Some(entity(2)))]);
        let contradicting = vec![(id(3), entity(2))];
        assert_eq!(decision, Decision::Conflict { entity: entity(1), contradicting });
    }

    proptest! {
        #[test]
        fn exactly_the_ids_bound_elsewhere_contradict(bound in prop::collection::vec(prop::option::of(0_u8..3), 0..8)) {
            let ids: Vec<_> = bound.iter().enumerate().map(|(at, to)| (id(at), to.map(entity))).collect();
            let first = bound.iter().flatten().next().copied();
            let others = bound.iter().flatten().filter(|&&to| Some(to) != first).count();
            match decide(&ids) {
                Decision::Create => prop_assert_eq!(first, None),
                Decision::Attach(to) => prop_assert!(Some(to) == first.map(entity) && others == 0),
                Decision::Conflict { entity: to, contradicting } => {
                    prop_assert_eq!(Some(to), first.map(entity));
                    prop_assert_eq!(contradicting.len(), others);
                }
            }
        }
    }
}
