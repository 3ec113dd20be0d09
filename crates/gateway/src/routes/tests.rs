use std::collections::BTreeSet;

use super::*;

fn operations() -> Vec<(String, Value)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().clone().into_iter();
        let path = path.clone();
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn every_part_of_a_path_is_described_and_no_other() {
    for (name, operation) in operations() {
        let in_path: BTreeSet<&str> = name
            .split('{')
            .skip(1)
            .map(|part| part.split('}').next().unwrap())
            .collect();
        let empty = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&empty);
        let described: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(described, in_path, "{name}");
    }
}

#[test]
fn every_operation_says_what_it_does_and_answers() {
    let mut ids = BTreeSet::new();
    for (name, operation) in operations() {
        assert!(ids.insert(operation["operationId"].to_string()), "{name}");
        assert_ne!(operation["summary"], "", "{name}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status < &"300".to_owned()), "{name}");
        for (status, response) in responses {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{name} {status}");
        }
        assert!(
            responses["401"]["description"]
                .as_str()
                .unwrap()
                .contains("unauthenticated")
        );
        let is_bare = ["/reset", "/v1/reload", "/v1/drain", "/v1/leave"]
            .iter()
            .any(|path| name.ends_with(path));
        let takes = ["post ", "put "].iter().any(|method| name.starts_with(method)) && !is_bare;
        assert_eq!(takes, operation.get("requestBody").is_some(), "{name}");
    }
}

#[test]
fn every_form_that_is_named_is_there() {
    let document = document();
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}

/// The list for people and the document for programs name the same paths.
#[test]
fn the_index_names_every_path() {
    for (name, _) in operations() {
        let path = name.split(' ').nth(1).unwrap();
        // A path and those below it are one line there.
        let named = path.split("/{").next().unwrap();
        assert!(crate::api::INDEX.contains(named), "{name}");
    }
}
