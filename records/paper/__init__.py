"""The paper that ECGs are drawn on."""
